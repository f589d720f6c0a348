"""Build a data flow: columns and lineage come from the components upstream."""

from __future__ import annotations

from airflow_provider_ssis.project.builder.flow_destinations import Destinations
from airflow_provider_ssis.project.builder.flow_dimensions import Dimensions
from airflow_provider_ssis.project.builder.flow_file_columns import FileColumns
from airflow_provider_ssis.project.builder.flow_lookups import Lookups
from airflow_provider_ssis.project.builder.flow_pivots import Pivots
from airflow_provider_ssis.project.builder.flow_row_transforms import RowTransforms
from airflow_provider_ssis.project.builder.flow_samples import Samples
from airflow_provider_ssis.project.builder.flow_scripts import Scripts
from airflow_provider_ssis.project.builder.flow_set_transforms import SetTransforms
from airflow_provider_ssis.project.builder.flow_sources import Sources
from airflow_provider_ssis.project.builder.flow_stored import StoredComponents


class DataFlowBuilder(
    Sources,
    RowTransforms,
    Lookups,
    SetTransforms,
    Pivots,
    Samples,
    FileColumns,
    Dimensions,
    Scripts,
    StoredComponents,
    Destinations,
):
    """The components of a Data Flow task. Each method takes the output of the component before."""
