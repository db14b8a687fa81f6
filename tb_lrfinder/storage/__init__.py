"""Storage of sweeps and trials: schema, writer and reader of event files."""
