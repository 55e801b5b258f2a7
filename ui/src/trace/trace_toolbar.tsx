import type { RefObject } from "preact";
import { formatCount } from "../format";
import { Icon, IconButton } from "../frame/icon";
import { nextMatch } from "./trace_search";
import { lastAtMost } from "./trace_tree";

interface TraceToolbarProps {
  search: string;
  onSearch: (text: string) => void;
  searchInput: RefObject<HTMLInputElement | null>;
  onLeaveSearch: () => void;
  matches: Int32Array;
  errors: Int32Array;
  selected: number;
  onSelect: (position: number) => void;
  onCloseAll: () => void;
  onOpenAll: () => void;
  isZoomed: boolean;
  onResetZoom: () => void;
  onHelp: () => void;
}

export function TraceToolbar(props: TraceToolbarProps) {
  const { search, onSearch, searchInput, onLeaveSearch, matches, errors, selected, onSelect } = props;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") onSelect(nextMatch(matches, selected, event.shiftKey ? -1 : 1));
    if (event.key === "Escape") {
      onSearch("");
      onLeaveSearch();
    }
  };
  return (
    <div class="trace-toolbar" role="toolbar" aria-label="Trace">
      <span class="search-box" role="search">
        <Icon name="search" />
        <input
          ref={searchInput}
          type="text"
          aria-label="Search spans by name or service"
          placeholder="Search name or service"
          spellcheck={false}
          value={search}
          onInput={(event) => onSearch(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        {search === "" ? <kbd>/</kbd> : <Position of={matches} selected={selected} />}
      </span>
      <Steps what="match" keys={["n", "N"]} positions={matches} selected={selected} onSelect={onSelect} />
      {errors.length > 0 && (
        <span class="error-steps problem">
          <Icon name="error" />
          <Position of={errors} selected={selected} />
          <Steps what="error" keys={["e", "E"]} positions={errors} selected={selected} onSelect={onSelect} />
        </span>
      )}
      <span class="spacer" />
      {props.isZoomed && (
        <button type="button" class="quiet" onClick={props.onResetZoom} title="Show the whole trace (0)">
          Reset zoom
        </button>
      )}
      <IconButton icon="collapse" label="Close all subtrees ([)" onClick={props.onCloseAll} />
      <IconButton icon="expand" label="Open all subtrees (])" onClick={props.onOpenAll} />
      <IconButton icon="help" label="Keys (?)" onClick={props.onHelp} />
    </div>
  );
}

/** "3 / 120", or only the number of positions while the selection is none of them. */
function Position({ of, selected }: { of: Int32Array; selected: number }) {
  const at = lastAtMost(of, selected);
  const isAt = at >= 0 && of[at] === selected;
  return (
    <span class="position" role="status">
      {isAt && `${formatCount(at + 1)} / `}
      {formatCount(of.length)}
    </span>
  );
}

interface StepsProps {
  what: string;
  keys: [next: string, previous: string];
  positions: Int32Array;
  selected: number;
  onSelect: (position: number) => void;
}

function Steps({ what, keys: [next, previous], positions, selected, onSelect }: StepsProps) {
  const disabled = positions.length === 0;
  const go = (step: 1 | -1) => () => onSelect(nextMatch(positions, selected, step));
  return (
    <span class="steps">
      <IconButton icon="up" label={`Previous ${what} (${previous})`} onClick={go(-1)} disabled={disabled} />
      <IconButton icon="down" label={`Next ${what} (${next})`} onClick={go(1)} disabled={disabled} />
    </span>
  );
}
