"""Pictures of control flows and data flows."""

from __future__ import annotations

import pytest
from lxml import etree

from airflow_provider_ssis.project.inspection.graph import Graph, control_flow_graph, data_flow_graph
from airflow_provider_ssis.project.inspection.pictures import PICTURES, to_dot, to_mermaid, to_svg
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.document import read_dts_package
from tests.support.dtsx_text import read_text, task_text
from tests.support.places import INPUTS, needs_inputs

ODD = 'A &lt;"b"&gt; \\ c'


def layout(text: str) -> str:
    return (
        f"<DTS:DesignTimeProperties><![CDATA[<?xml version='1.0'?><Objects><Package><LayoutInfo><GraphLayout>{text}"
        "</GraphLayout></LayoutInfo></Package></Objects>]]></DTS:DesignTimeProperties>"
    )


def graph(designer: str = "") -> Graph:
    inner = task_text("", "Microsoft.ExecuteSQLTask", "Inner").replace("Package\\Inner", "Package\\S\\Inner")
    label = ODD.replace('"', "&quot;")
    tasks = (
        '<DTS:Executables><DTS:Executable DTS:refId="Package\\S" DTS:ExecutableType="STOCK:SEQUENCE" '
        f'DTS:ObjectName="S" DTS:Disabled="True">{inner}</DTS:Executable><DTS:Executable DTS:refId="Package\\T" '
        f'DTS:ExecutableType="Microsoft.ExpressionTask" DTS:ObjectName="{label}"/></DTS:Executables>'
        '<DTS:PrecedenceConstraints><DTS:PrecedenceConstraint DTS:From="Package\\S" DTS:To="Package\\T" '
        'DTS:Value="1" DTS:EvalOp="3" DTS:Expression="@x &gt; 1" DTS:ObjectName="C"/></DTS:PrecedenceConstraints>'
    )
    return control_flow_graph(read_text(tasks + designer))


def test_positions_are_those_of_the_designer() -> None:
    stored = "".join(
        f'<{kind}Layout Id="{id_}" TopLeft="{place}" Size="200,80"/>'
        for kind, id_, place in (
            ("Container", "Package\\S", "10,20"),
            ("Node", "Package\\S\\Inner", "5,6"),
            ("Node", "Package\\T", "300,400.5"),
        )
    )
    found = graph(layout(stored))
    assert found.is_stored
    assert [(node.box.x, node.box.y) for node in found.nodes] == [(10, 20), (300, 400.5)]
    rectangles = etree.fromstring(to_svg(found)).findall(".//{*}rect")
    assert [(one.get("x"), one.get("y")) for one in rectangles] == [("10", "20"), ("15", "58"), ("300", "400.5")]


def test_the_members_of_a_group_are_inside_it() -> None:
    """Groups exist on the design surface only; they can contain each other, and damaged ones can be in a circle."""

    def group(id_: str, place: str, *members: str) -> str:
        ids = "".join(f"<s:String>{one}</s:String>" for one in members)
        return (
            f'<GroupLayout Id="{id_}" TopLeft="{place}" HeaderHeight="43" Size="300,300">'
            f'<GroupLayout.ChildrenIds xmlns:s="clr-namespace:System">{ids}</GroupLayout.ChildrenIds></GroupLayout>'
        )

    nodes = (
        r'<NodeLayout Id="Package\S" TopLeft="10,20" Size="9,9"/><NodeLayout Id="Package\T" TopLeft="1,2" Size="9,9"/>'
    )
    stored = group("g1", "100,200", r"Package\S", "g2") + group("g2", "50,60", r"Package\T")
    assert [(node.box.x, node.box.y) for node in graph(layout(nodes + stored)).nodes] == [(110, 263), (151, 348)]
    circle = group("g1", "1,1", r"Package\S", "g2") + group("g2", "1,1", "g1") + group("g3", "x", r"Package\T")
    assert graph(layout(nodes + circle)).nodes[1].box.x == 1


def test_constraints_of_old_formats_lead_between_tasks_with_a_ref_id() -> None:
    tasks = task_text("", name="A").replace("DTS:refId", 'DTS:DTSID="{a}" DTS:refId')
    tasks += task_text("", name="B").replace("DTS:refId", 'DTS:DTSID="{B}" DTS:refId')
    between = '<DTS:PrecedenceConstraint DTS:From="{A}" DTS:To="{b}" DTS:ObjectName="C"/>'
    found = control_flow_graph(read_text(tasks + between, format_version=5))
    assert [(edge.source, edge.target) for edge in found.edges] == [(r"Package\A", r"Package\B")]
    assert all(write(found) for write in PICTURES.values())


@pytest.mark.parametrize(
    "designer", ["", layout("<NodeLayout Id='Package\\S' TopLeft='x' Size='1'/>"), layout("<broken")]
)
def test_without_a_stored_layout_rows_follow_the_constraints(designer: str) -> None:
    found = graph(designer)
    assert not found.is_stored
    first, second = found.nodes
    assert second.box.y >= first.box.y + first.box.height


def test_each_kind_of_picture_shows_nodes_edges_and_conditions() -> None:
    found = graph()
    svg = etree.fromstring(to_svg(found))
    assert 'A <"b"> \\ c' in [text.text for text in svg.iter("{*}text")]
    assert [line.get("stroke") for line in svg.iter("{*}line")] == ["#c0392b"]
    dot = to_dot(found)
    assert '[label="A <\\"b\\"> \\\\ c\\nExpressionTask"' in dot
    assert 'n1 -> n2 [color="#c0392b", label="@x > 1", style=dashed, ltail=cluster_n0];' in dot
    mermaid = to_mermaid(found)
    assert 'n2["A #60;#34;b#34;#62; #92; c<br/>ExpressionTask"]' in mermaid
    assert 'n0 -.->|"#64;x #62; 1"| n2' in mermaid
    assert "style n0 stroke-dasharray" in mermaid


@needs_inputs
def test_pictures_of_a_real_package() -> None:
    path = INPUTS / "wide-world-importers" / "DailyETLMain.dtsx"
    package = read_dts_package(path.read_bytes(), path.name)
    found = control_flow_graph(package)
    assert found.is_stored
    assert len(etree.fromstring(to_svg(found)).findall(".//{*}rect")) == 94
    assert len(etree.fromstring(to_svg(found)).findall(".//{*}line")) == 80
    flows = [(one, one.data()) for one in package.container.walk()]
    for task, data in flows:
        if isinstance(data, Pipeline):
            flow = data_flow_graph(package, task, data)
            assert flow.is_stored
            assert all(write(flow) for write in PICTURES.values())
