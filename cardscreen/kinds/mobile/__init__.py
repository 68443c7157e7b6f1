"""What a mobile network knows: devices, SIM cards, subscriptions."""
