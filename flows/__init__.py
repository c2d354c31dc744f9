"""When things happen: the recorder, what is due, and the Prefect flows that perform it. Import-light: no Prefect here."""
