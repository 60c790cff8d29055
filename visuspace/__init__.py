"""Public event pages at `/conf/<conference_id>`: content, registration form, share links, pictures."""
