"""What several tests share: a small programme, and a stage that plays it over real parts."""
