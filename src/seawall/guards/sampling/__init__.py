"""Row R8: the sampling settings of a route's profile, dropped where a model refuses them."""
