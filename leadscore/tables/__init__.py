"""Files and tables in, the same with answers out: CSV, Parquet, Spark, and the terminal's commands.

Imports scoring and the shared part; never service. pyarrow and pyspark are optional.
"""
