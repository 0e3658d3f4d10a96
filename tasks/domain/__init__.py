"""What a job is and what becomes of it: values and rules, without I/O."""
