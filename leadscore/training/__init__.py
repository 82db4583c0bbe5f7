"""What only training needs: reading CSVs, models, evaluation, parity."""
