"""Networks and peers that the evidence is measured with."""
