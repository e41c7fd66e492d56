// The page of a path.

import "./player.js";
