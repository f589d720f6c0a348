"""Build a data flow: columns and lineage come from the components upstream."""

from __future__ import annotations

from airflow_provider_ssis.project.builder.flow_destinations import Destinations
from airflow_provider_ssis.project.builder.flow_lookups import Lookups
from airflow_provider_ssis.project.builder.flow_row_transforms import RowTransforms
from airflow_provider_ssis.project.builder.flow_set_transforms import SetTransforms
from airflow_provider_ssis.project.builder.flow_sources import Sources


class DataFlowBuilder(Sources, RowTransforms, Lookups, SetTransforms, Destinations):
    """The components of a Data Flow task. Each method takes the output of the component before."""
