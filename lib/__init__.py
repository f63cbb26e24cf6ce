"""zerolayer: a softmax classifier built by hand."""
