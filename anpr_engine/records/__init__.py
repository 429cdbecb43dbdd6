"""The five records that cross a border of this engine, and the columns inside it.

One pydantic model per record is the source of its JSON Schema in `schemas/`.
"""
