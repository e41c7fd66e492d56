// Makes the element <relaycore-player> known. This is the file that pages of other servers name, too.

import { RelaycorePlayer } from "./element.js";

export { RelaycorePlayer };

if (customElements.get("relaycore-player") === undefined) customElements.define("relaycore-player", RelaycorePlayer);
