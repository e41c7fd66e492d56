"""What Prometheus reads at ``/metrics``: the text formats, and what goes into them."""
