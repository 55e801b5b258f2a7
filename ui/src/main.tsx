import { render } from "preact";
import { App } from "./app";
import { startFromAddress } from "./frame/session";
import { followLinks } from "./router";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/frame.css";
import "./styles/traces.css";
import "./styles/trace_table.css";
import "./styles/trace.css";
import "./styles/waterfall.css";
import "./styles/span_panel.css";
import "./styles/credentials.css";

const root = document.getElementById("app");
if (!root) throw new Error("index.html has no #app element");
followLinks();
startFromAddress();
render(<App />, root);
