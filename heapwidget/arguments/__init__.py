"""What users pass: each refusal is one sentence that says what was wrong and what to do."""
