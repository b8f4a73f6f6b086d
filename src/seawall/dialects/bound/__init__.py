"""Upper bounds on what a request can use, read off the request alone: what a budget holds before a call is sent."""
