"""Data flows: components, properties, columns and paths, in the notations of old and new formats."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.project.package.data_flow import DataType, Pipeline
from tests.support.dtsx_text import read_text, task_text

NEW = """<pipeline version="1" defaultBufferMaxRows="80000" autoAdjustBufferSize="true"><components>
<component refId="P\\S" componentClassID="Microsoft.OLEDBSource" name="S" usesDispositions="true" version="7"
 validateExternalMetadata="False" localeId="1033">
 <properties>
  <property name="SqlCommand" dataType="System.String" expressionType="Notify">SELECT 1</property>
  <property name="Delimiter" dataType="System.String" state="escaped">_x002C_</property>
  <property name="Code" isArray="true"><arrayElements><arrayElement dataType="System.String">a</arrayElement>
  <arrayElement dataType="System.String">b</arrayElement></arrayElements></property>
 </properties>
 <connections><connection refId="P\\S.Connections[OleDbConnection]" connectionManagerID="{1}:external"
  connectionManagerRefId="Project.ConnectionManagers[Mart]" name="OleDbConnection"/></connections>
 <outputs><output refId="P\\S.Outputs[O]" name="O" isSorted="true">
  <outputColumns><outputColumn refId="P\\S.Outputs[O].Columns[Id]" name="Id" dataType="numeric" precision="18" scale="2"
   lineageId="P\\S.Outputs[O].Columns[Id]" sortKeyPosition="-1" errorRowDisposition="FailComponent"
   externalMetadataColumnId="P\\S.Outputs[O].ExternalColumns[Id]"/></outputColumns>
  <externalMetadataColumns isUsed="True"><externalMetadataColumn refId="P\\S.Outputs[O].ExternalColumns[Id]" name="Id"
   dataType="wstr" length="10"/></externalMetadataColumns></output>
  <output refId="P\\S.Outputs[E]" name="E" isErrorOut="true" synchronousInputId="P\\D.Inputs[I]" exclusionGroup="1"/>
 </outputs></component>
<component refId="P\\D" componentClassID="Microsoft.OLEDBDestination" name="D"><inputs>
 <input refId="P\\D.Inputs[I]" name="I" hasSideEffects="true" errorRowDisposition="RedirectRow"><inputColumns>
  <inputColumn refId="P\\D.Inputs[I].Columns[Id]" lineageId="P\\S.Outputs[O].Columns[Id]" cachedName="Id"
   cachedDataType="numeric" cachedPrecision="18" cachedScale="2" usageType="readWrite"/></inputColumns></input>
</inputs></component></components>
<paths><path refId="P.Paths[O]" name="O" startId="P\\S.Outputs[O]" endId="P\\D.Inputs[I]"/></paths></pipeline>"""

OLD = """<pipeline id="0" name="pipelineXml" engineThreads="5" runInOptimizedMode="false"><components>
<component id="1" name="S" componentClassID="{5ACD952A-F16A-41D8-A681-713640837664}" localeId="-1" version="1"
 validateExternalMetadata="True"><connections><connection id="6" name="FlatFileConnection" connectionManagerID="{2}"/>
</connections><outputs><output id="2" name="O" synchronousInputId="0" isErrorOut="false"><outputColumns>
 <outputColumn id="18" name="Rate" lineageId="18" precision="0" scale="0" length="0" dataType="r4" codePage="0"
  externalMetadataColumnId="0" errorRowDisposition="NotUsed"/></outputColumns></output></outputs></component>
<component id="30" name="D" componentClassID="{2}"><inputs><input id="31" name="I"><inputColumns>
 <inputColumn id="40" lineageId="18" usageType="ignored"/></inputColumns></input></inputs></component></components>
<paths><path id="45" name="O" startId="2" endId="31"/></paths></pipeline>"""


def pipeline(text: str) -> Pipeline:
    (task,) = read_text(task_text(text, "Microsoft.Pipeline")).container.children
    data = task.data()
    assert isinstance(data, Pipeline)
    return data


def test_a_data_flow_of_format_8() -> None:
    flow = pipeline(NEW)
    assert (flow.buffer_max_rows, flow.buffer_size, flow.engine_threads) == (80_000, 10_485_760, 10)
    assert (flow.auto_adjust_buffer_size, flow.run_in_optimized_mode) == (True, True)
    source, destination = flow.components
    assert (source.key, source.class_id, source.version) == ("P\\S", "Microsoft.OLEDBSource", 7)
    assert (source.locale_id, source.validate_external_metadata, source.uses_dispositions) == (1033, False, True)
    assert (destination.locale_id, destination.validate_external_metadata) == (None, True)
    (connection,) = source.connections
    assert (connection.name, connection.manager_id) == ("OleDbConnection", "{1}:external")
    assert connection.manager_ref_id == "Project.ConnectionManagers[Mart]"
    (path,) = flow.paths
    assert (path.output_key, path.input_key) == (source.outputs[0].key, destination.inputs[0].key)


def test_properties_are_read_without_escapes() -> None:
    properties = pipeline(NEW).components[0].properties
    assert (properties["SqlCommand"].text, properties["SqlCommand"].can_have_expression) == ("SELECT 1", True)
    assert (properties["Delimiter"].text, properties["Delimiter"].can_have_expression) == (",", False)
    assert (properties["Code"].is_array, properties["Code"].items) == (True, ("a", "b"))


def test_columns_have_types_lineage_dispositions_and_external_columns() -> None:
    source, destination = pipeline(NEW).components
    output, error = source.outputs
    (column,) = output.columns
    assert column.data_type == DataType("numeric", 0, 18, 2, 0)
    assert (column.lineage_id, column.sort_key_position) == (column.key, -1)
    assert (column.error_disposition, column.truncation_disposition) == ("FailComponent", "NotUsed")
    (external,) = output.external_columns
    assert (column.external_key, external.data_type) == (external.key, DataType("wstr", 10, 0, 0, 0))
    assert (output.is_sorted, output.synchronous_input_key) == (True, "")
    assert (error.is_error_output, error.exclusion_group) == (True, 1)
    (target,) = destination.inputs
    assert error.synchronous_input_key == target.key
    assert (target.has_side_effects, target.error_disposition) == (True, "RedirectRow")
    (used,) = target.columns
    assert (used.lineage_id, used.usage) == (column.lineage_id, "readWrite")
    assert (used.cached_name, used.cached_type) == ("Id", column.data_type)


def test_a_data_flow_of_format_3() -> None:
    flow = pipeline(OLD)
    assert (flow.engine_threads, flow.run_in_optimized_mode) == (5, False)
    source, destination = flow.components
    assert (source.key, source.locale_id, source.connections[0].manager_id) == ("1", None, "{2}")
    (output,) = source.outputs
    assert (output.key, output.synchronous_input_key) == ("2", "")
    (column,) = output.columns
    assert (column.lineage_id, column.data_type.name, column.external_key) == ("18", "r4", "")
    (used,) = destination.inputs[0].columns
    assert (used.lineage_id, used.usage, used.cached_type) == ("18", "ignored", None)
    assert (flow.paths[0].output_key, flow.paths[0].input_key) == ("2", "31")


@pytest.mark.parametrize("text", ["<pipeline/>", "<pipeline><components/><paths/></pipeline>"])
def test_an_empty_data_flow(text: str) -> None:
    assert (pipeline(text).components, pipeline(text).paths) == ((), ())
