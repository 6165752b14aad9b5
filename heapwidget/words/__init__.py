"""Words, numbers and colours that Python and the front end share."""
