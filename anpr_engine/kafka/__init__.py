"""Kafka, behind the ports: the only package that imports confluent_kafka."""
