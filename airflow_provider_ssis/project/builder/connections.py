"""The connection managers of a package or project that is built, and the methods that add one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.caches import cache, stored_cache_columns
from airflow_provider_ssis.project.builder.connection_manager import CatalogParameter, ConnectionManagerBuilder
from airflow_provider_ssis.project.builder.flat_files import FlatFile, FlatFileColumn, flat_file, stored_flat_file
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.xml import (
    check_name,
    element,
    guid,
    plain_element,
    stored_xml,
)
from airflow_provider_ssis.project.connection_strings import connection_pairs, has_password, with_pair
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.connections import read_dts_connection_manager

if TYPE_CHECKING:
    from lxml.etree import _Element


SQL_CLIENT = (
    "System.Data.SqlClient.SqlConnection, System.Data, Version=4.0.0.0, Culture=neutral,"
    " PublicKeyToken=b77a5c561934e089"
)
"""The .NET type of connections to SQL Server."""

_USAGES = ("existing file", "create file", "existing folder", "create folder")
_FORBIDDEN = "[]"


class ConnectionManagers:
    """The connection managers of a package or project, and the methods that add one.

    :param part: the file that contains them, for errors.
    :param scope: the names that make their ids unique: project and package.
    :param project_level: whether they belong to a project.
    """

    def __init__(self, part: str, scope: tuple[str, ...], project_level: bool) -> None:
        self._part = part
        self._scope = scope
        self._project_level = project_level
        self._by_name: dict[str, ConnectionManagerBuilder] = {}

    def __iter__(self) -> Iterator[ConnectionManagerBuilder]:
        return iter(self._by_name.values())

    def __contains__(self, manager: object) -> bool:
        return any(each is manager for each in self._by_name.values())

    def discard(self, name: str) -> None:
        """Remove a connection manager, if there is one of that name."""
        self._by_name.pop(name.casefold(), None)

    def add_oledb(self, name: str, connection_string: str, *, retain: bool = False) -> ConnectionManagerBuilder:
        """Add an OLE DB connection.

        :param name: its name.
        :param connection_string: the connection string, without a password.
        :param retain: keep one connection for the whole run (``RetainSameConnection``). Default: False.
        :raises BuildError: the name is invalid or used, or the string contains a password.
        """
        return self._add_database(name, "OLEDB", connection_string, retain)

    def add_ado_net(
        self, name: str, connection_string: str, *, provider: str = SQL_CLIENT, retain: bool = False
    ) -> ConnectionManagerBuilder:
        """Add an ADO.NET connection.

        :param name: its name.
        :param connection_string: the connection string, without a password.
        :param provider: the .NET type of the connection, with its assembly. Default: that of SQL Server.
        :param retain: as for :meth:`add_oledb`.
        :raises BuildError: as for :meth:`add_oledb`.
        """
        return self._add_database(name, f"ADO.NET:{provider}", connection_string, retain)

    def add_odbc(self, name: str, connection_string: str, *, retain: bool = False) -> ConnectionManagerBuilder:
        """Add an ODBC connection; parameters as for :meth:`add_oledb`."""
        return self._add_database(name, "ODBC", connection_string, retain)

    def add_excel(
        self, name: str, path: str, *, header: bool = True, provider: str = "Microsoft.ACE.OLEDB.12.0"
    ) -> ConnectionManagerBuilder:
        """Add a connection to an Excel file.

        :param name: its name.
        :param path: the path of the .xlsx file.
        :param header: whether the first row has the names of the columns. Default: True.
        :param provider: the OLE DB provider. Default: that of Access 2010 and later.
        :raises BuildError: the name is invalid or used.
        """
        properties = f"EXCEL 12.0 XML;HDR={'YES' if header else 'NO'}"
        text = with_pair(f"Provider={provider};", ("Data Source",), path)
        text = with_pair(text, ("Extended Properties",), properties)
        return self._add(name, "EXCEL", {"ConnectionString": text}, (("ConnectionString", text, False),))

    def add_file(self, name: str, path: str, *, usage: str = "existing file") -> ConnectionManagerBuilder:
        """Add a file or folder.

        :param name: its name.
        :param path: the path.
        :param usage: ``existing file``, ``create file``, ``existing folder`` or ``create folder``. Default: the first.
        :raises BuildError: the name is invalid or used, or the usage unknown.
        """
        if usage not in _USAGES:
            raise BuildError(f"has no usage {usage!r} of a file", part=self._part, advice=f"Usages: {_USAGES}")
        code = _USAGES.index(usage)
        return self._add(
            name,
            "FILE",
            {"FileUsageType": code or None, "ConnectionString": path},
            (("ConnectionString", path, False), ("FileUsageType", code, False)),
        )

    def add_flat_file(
        self,
        name: str,
        path: str,
        columns: Sequence[FlatFileColumn],
        *,
        column_delimiter: str = ",",
        row_delimiter: str = "\r\n",
        file_format: str = "Delimited",
        header: bool = True,
        header_rows_to_skip: int = 0,
        data_rows_to_skip: int = 0,
        text_qualifier: str = "<none>",
        code_page: int = 65001,
        unicode: bool = False,
        locale_id: int = 1033,
    ) -> ConnectionManagerBuilder:
        """Add a flat file.

        :param name: its name.
        :param path: the path of the file.
        :param columns: its columns.
        :param column_delimiter: the characters between two columns. Default: a comma.
        :param row_delimiter: the characters after a row. Default: CR LF.
        :param file_format: ``Delimited``, ``FixedWidth`` or ``RaggedRight``. Default: ``Delimited``.
        :param header: whether the first row has the names of the columns. Default: True.
        :param header_rows_to_skip: rows before the header. Default: 0.
        :param data_rows_to_skip: rows after the header that are not read. Default: 0.
        :param text_qualifier: the character around texts. Default: none.
        :param code_page: the code page of a file without Unicode. Default: 65001, UTF-8.
        :param unicode: whether the file has UTF-16. Default: False.
        :param locale_id: the locale for numbers and dates. Default: 1033, English of the United States.
        :raises BuildError: the name is invalid or used, there are no columns, two have one name, or a type or the
            format is unknown.
        """
        file = FlatFile(
            name=name,
            path=path,
            columns=tuple(columns),
            column_delimiter=column_delimiter,
            row_delimiter=row_delimiter,
            file_format=file_format,
            header=header,
            header_rows_to_skip=header_rows_to_skip,
            data_rows_to_skip=data_rows_to_skip,
            text_qualifier=text_qualifier,
            code_page=code_page,
            unicode=unicode,
            locale_id=locale_id,
        )
        made = flat_file(file, self._part, self._scope)
        parameters: tuple[CatalogParameter, ...] = (
            ("CodePage", code_page, False),
            ("ColumnNamesInFirstDataRow", header, False),
            ("ConnectionString", path, False),
            ("DataRowsToSkip", data_rows_to_skip, False),
            ("Format", file_format, False),
            ("HeaderRowDelimiter", row_delimiter, False),
            ("HeaderRowsToSkip", header_rows_to_skip, False),
            ("LocaleID", locale_id, False),
            ("RowDelimiter", "" if file_format == "Delimited" else row_delimiter, False),
            ("TextQualifier", text_qualifier, False),
            ("Unicode", unicode, False),
        )
        manager = self._add_element(name, "FLATFILE", made, parameters)
        manager.flat_file = file
        return manager

    def add_smtp(
        self,
        name: str,
        server: str,
        *,
        use_windows_authentication: bool = False,
        enable_ssl: bool = False,
        timeout: int | None = None,
    ) -> ConnectionManagerBuilder:
        """Add a mail server.

        :param name: its name.
        :param server: its host.
        :param use_windows_authentication: log on as the account of the run. Default: False, anonymous.
        :param enable_ssl: encrypt the connection. Default: False.
        :param timeout: in milliseconds. Default: that of SSIS.
        :raises BuildError: the name is invalid or used.
        """
        text = with_pair("", ("SmtpServer",), server)
        text += f"UseWindowsAuthentication={use_windows_authentication};EnableSsl={enable_ssl};"
        if timeout is not None:
            text += f"Timeout={timeout};"
        parameters: tuple[CatalogParameter, ...] = (
            ("ConnectionString", text, False),
            ("EnableSsl", enable_ssl, False),
            ("SmtpServer", server, False),
            ("UseWindowsAuthentication", use_windows_authentication, False),
        )
        inner = plain_element("SmtpConnectionManager", {"ConnectionString": text})
        return self._add_element(name, "SMTP", inner, parameters)

    def add_ftp(
        self,
        name: str,
        server: str,
        *,
        port: int = 21,
        user: str = "anonymous",
        use_passive_mode: bool = False,
        timeout: int = 60,
        retries: int = 5,
        chunk_size: int = 1,
    ) -> ConnectionManagerBuilder:
        """Add an FTP server. Its password is set on the SSIS server.

        :param name: its name.
        :param server: its host.
        :param port: its port. Default: 21.
        :param user: the user. Default: ``anonymous``.
        :param use_passive_mode: whether the client opens the data connection. Default: False.
        :param timeout: in seconds. Default: 60.
        :param retries: the number of attempts. Default: 5.
        :param chunk_size: in KiB. Default: 1.
        :raises BuildError: the name is invalid or used.
        """
        text = f"{server}:{port}"
        inner = element("ConnectionManager", {"ConnectionString": text})
        values: tuple[tuple[str, object, object], ...] = (
            ("ServerName", server, ""),
            ("ServerPort", port, 21),
            ("ServerUserName", user, "anonymous"),
            ("UsePassiveMode", use_passive_mode, False),
            ("Timeout", timeout, 60),
            ("Retries", retries, 5),
            ("ChunkSize", chunk_size, 1),
        )
        inner.append(element("FtpConnection", {key: value for key, value, default in values if value != default}))
        parameters: tuple[CatalogParameter, ...] = (
            ("ChunkSize", chunk_size, False),
            ("ConnectionString", text, False),
            ("Retries", retries, False),
            ("ServerName", server, False),
            ("ServerPassword", None, True),
            ("ServerPort", port, False),
            ("ServerUserName", user, False),
            ("Timeout", timeout, False),
            ("UsePassiveMode", use_passive_mode, False),
        )
        return self._add_element(name, "FTP", inner, parameters)

    def add_cache(
        self, name: str, columns: Sequence[Column], keys: Sequence[str], *, path: str = ""
    ) -> ConnectionManagerBuilder:
        """Add a cache, which a Cache Transform fills and lookups read.

        :param name: its name.
        :param columns: its columns.
        :param keys: the columns that lookups join, in the order of the index.
        :param path: a file that keeps the cache. Default: empty, memory only.
        :raises BuildError: the name is invalid or used, there are no columns, or a key is not one of them.
        """
        inner = cache(name, columns, keys, path, self._part, self._scope)
        made = self._add_element(name, "CACHE", inner, (("ConnectionString", path, False),))
        made.cache_columns = tuple(columns)
        return made

    def add_other(self, name: str, creation_name: str, properties: Mapping[str, str]) -> ConnectionManagerBuilder:
        """Add a connection manager of another type.

        :param name: its name.
        :param creation_name: its type: ``CACHE``, ``MSOLAP100``, ``MULTIFLATFILE``, ...
        :param properties: its properties, as SSIS stores them: attributes of the inner ``DTS:ConnectionManager``.
        :raises BuildError: the name is invalid or used, or a property contains a password.
        """
        text = properties.get("ConnectionString")
        parameters = () if text is None else (("ConnectionString", text, False),)
        return self._add(name, creation_name, dict(properties), parameters)

    def add_stored(self, name: str, creation_name: str, data: str) -> ConnectionManagerBuilder:
        """Add a connection manager of any type, with its data as a file stores it.

        :param name: its name.
        :param creation_name: its type: ``FLATFILE``, ``MSOLAP100``, ...
        :param data: the XML of the element inside ``ObjectData``. Columns of flat files and caches are read from it.
        :raises BuildError: the name is invalid or used, or the data contains a password.
        :raises ProjectError: the data is not well-formed XML.
        """
        inner = stored_xml(data, self._part)
        manager = element("ConnectionManager", {"CreationName": creation_name, "ObjectName": name})
        contents = element("ObjectData")
        contents.append(inner)
        manager.append(contents)
        found = read_dts_connection_manager(manager, self._part)
        self._check_secrets(name, found.properties)
        made = self._add_element(name, creation_name, inner, (("ConnectionString", found.connection_string, False),))
        made.flat_file = stored_flat_file(found)
        made.cache_columns = stored_cache_columns(found)
        return made

    def adopt(self, name: str, creation_name: str, id_: str) -> ConnectionManagerBuilder:
        """Add a connection manager of a package that exists, for tasks that are added to the package.

        :param name: its name.
        :param creation_name: its type.
        :param id_: its id.
        :raises BuildError: the name is invalid or used.
        """
        made = self._add_element(name, creation_name, element("ConnectionManager"), ())
        made.id = id_
        return made

    def __getitem__(self, name: str) -> ConnectionManagerBuilder:
        """Return the connection manager with a name, without regard to case.

        :raises KeyError: there is none.
        """
        return self._by_name[name.casefold()]

    def _add_database(self, name: str, creation_name: str, text: str, retain: bool) -> ConnectionManagerBuilder:
        keys = connection_pairs(text)

        def value(*names: str) -> str | None:
            return next((keys[each] for each in names if each in keys), None)

        parameters: tuple[CatalogParameter, ...] = (
            ("ConnectionString", text, False),
            ("InitialCatalog", value("initial catalog", "database"), False),
            ("Password", None, True),
            ("RetainSameConnection", retain, False),
            ("ServerName", value("data source", "server"), False),
            ("UserName", value("user id", "uid"), False),
        )
        return self._add(name, creation_name, {"Retain": retain, "ConnectionString": text}, parameters)

    def _add(
        self, name: str, creation_name: str, properties: dict[str, object], parameters: tuple[CatalogParameter, ...]
    ) -> ConnectionManagerBuilder:
        self._check_secrets(name, properties)
        return self._add_element(name, creation_name, element("ConnectionManager", properties), parameters)

    def _check_secrets(self, name: str, properties: Mapping[str, object]) -> None:
        secret = [
            key for key, value in properties.items() if key.casefold() in ("password", "serverpassword") and value
        ]
        if secret or has_password(str(properties.get("ConnectionString", ""))):
            raise BuildError(
                f"the connection manager {name} contains a password, which would be stored in the file",
                part=self._part,
                advice=f"Leave it out, and set the parameter CM.{name}.Password on the server",
            )

    def _add_element(
        self, name: str, creation_name: str, inner: _Element, parameters: tuple[CatalogParameter, ...]
    ) -> ConnectionManagerBuilder:
        check_name(name, "connection manager", self._part, forbidden=_FORBIDDEN)
        if name.casefold() in self._by_name:
            raise BuildError(f"contains two connection managers {name}", part=self._part)
        made = ConnectionManagerBuilder(
            name=name,
            id=guid(*self._scope, "connection", name),
            creation_name=creation_name,
            part=self._part,
            project_level=self._project_level,
            inner=(inner,),
            parameters=parameters,
        )
        if self._project_level:
            same = [each.name for each in self if each.file_name.casefold() == made.file_name.casefold()]
            if same:
                raise BuildError(
                    f"contains the connection managers {same[0]} and {name}, which would be the same file "
                    f"{made.file_name}",
                    part=self._part,
                )
        self._by_name[name.casefold()] = made
        return made
