import { useEffect, useRef } from "preact/hooks";

const KEYS: [keys: string[], action: string][] = [
  [["↑", "↓"], "Previous and next span"],
  [["←", "→"], "Close or open the subtree; go to the parent or first child"],
  [["Enter"], "Open the details of the span"],
  [["Esc"], "Close the details, clear the search, reset the zoom"],
  [["/"], "Search"],
  [["n", "N"], "Next and previous match"],
  [["e", "E"], "Next and previous error"],
  [["[", "]"], "Close and open all subtrees"],
  [["+", "-", "0"], "Zoom in, zoom out, whole trace"],
  [["Shift ←", "Shift →"], "Move the zoomed part"],
  [["r"], "Load the trace again"],
  [["?"], "This help"],
];

export function KeyHelp({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="card key-help" aria-labelledby="key-help-title" onClose={onClose}>
      <h2 id="key-help-title">Keys</h2>
      <dl>
        {KEYS.map(([keys, action]) => (
          <div key={action}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{action}</dd>
          </div>
        ))}
      </dl>
      <p>
        Drag over the overview or the ruler to zoom; Ctrl and the wheel zoom at the pointer; a double click
        resets.
      </p>
      <form method="dialog">
        <button type="submit" class="primary">
          Close
        </button>
      </form>
    </dialog>
  );
}
