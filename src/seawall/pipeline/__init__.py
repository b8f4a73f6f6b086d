"""What carries an exchange through its guards."""
