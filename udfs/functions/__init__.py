"""The Flink functions of the jobs and the block layouts they exchange with the JVM."""
