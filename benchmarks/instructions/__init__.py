"""Instructions of the hot paths, counted by callgrind: what a time on a shared machine cannot say."""
