"""The settings that name the Kafka to use, how to come in there, and how its topics are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode


class KafkaSettings(BaseSettings):
    """A part of `infra.settings.Settings`; never loaded by itself."""

    kafka: str = Field(
        "",
        description="Bootstrap servers as host:port, separated by commas; empty: the local broker.",
        pattern=r"^$|^[^\s,]+:\d{1,5}(,[^\s,]+:\d{1,5})*$",
    )
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_SSL"] = Field(
        "PLAINTEXT",
        description="How the cluster's listener is secured: SASL_SSL is TLS and a user with SCRAM-SHA-512, SSL is TLS alone.",
    )
    kafka_user: str = Field(
        "", description="With SASL_SSL: as whom this machine comes to Kafka.", pattern=r"^[^\s,=]*$"
    )
    kafka_password_file: Path | None = Field(
        None,
        description="With SASL_SSL: the file that holds the user's password, in one line, readable by its owner alone.",
    )
    kafka_ca: Path | None = Field(
        None,
        description="With TLS: PEM file of the authority that vouches for the brokers; else the system's authorities.",
    )
    kafka_principals: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Who holds which role at Kafka: <role>=User:<name>, separated by spaces; else User:<prefix>-<role>.",
    )
    prefix: str = Field(
        "phasegate", description="Beginning of the topics' names.", pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$"
    )
    partitions: int = Field(
        12,
        description="Partitions of each topic, the same for all and for good: keys move when it changes.",
        ge=1,
        le=1000,
    )
    replication: int = Field(
        0, description="Copies of each topic that topics apply makes; 0: the cluster's own default.", ge=0, le=100
    )
    min_insync: int = Field(
        0,
        description="How many copies must hold a record before it is acknowledged; 0: the cluster's own.",
        ge=0,
        le=100,
    )

    @field_validator("kafka_principals", mode="before")
    @classmethod
    def _split_principals(cls, value: object) -> object:
        return value.split() if isinstance(value, str) else value
