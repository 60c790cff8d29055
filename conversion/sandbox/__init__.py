"""Runs programs of conversion/programs where they can harm nothing."""
