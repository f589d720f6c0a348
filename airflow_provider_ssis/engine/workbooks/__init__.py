"""Editing Excel files: the parts of the package (ECMA-376), and the rows of a sheet.

The changed parts are written again, and all others are copied: charts, pictures, macros and formats stay as they are.
Libraries that edit workbooks load them into objects, and lose the parts that they do not know.
"""
