"""The command `freegvc`: one file per group of commands, rendering apart."""
