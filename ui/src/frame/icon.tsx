/** Line icons on a 16 x 16 grid, drawn in the colour of the text. */
const PATHS = {
  auto: "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
  back: "M10 3 5 8l5 5",
  check: "M3 8.5 6.5 12 13 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  collapse: "M4 6.5 8 3l4 3.5M4 13l4-3.5 4 3.5",
  copy: "M6 5.5h7v8H6zM3 10.5v-8h7",
  dark: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z",
  down: "M3.5 6 8 10.5 12.5 6",
  error: "M8 5v3.5M8 11v.2M8 1.8l6.4 11.7H1.6z",
  expand: "M4 3l4 3.5L12 3M4 9.5 8 13l4-3.5",
  help: "M6 6a2 2 0 1 1 2.6 1.9c-.4.2-.6.5-.6 1v.6M8 11.8v.2M8 1.7a6.3 6.3 0 1 1 0 12.6A6.3 6.3 0 0 1 8 1.7z",
  light:
    "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6zM8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8 13 13M3 13l1.2-1.2M11.8 4.2 13 3",
  orphan: "M8 2v4M8 10v4M5.5 12 8 14.5l2.5-2.5M4 8h1M7.5 8h1M11 8h1",
  pause: "M5.5 3v10M10.5 3v10",
  play: "M5 3l8 5-8 5z",
  reset: "M3 8a5 5 0 1 0 1.6-3.7M3 2.5V5h2.6",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3 14 14",
  sign_out: "M9 3H3v10h6M7 8h7M11.5 5.5 14 8l-2.5 2.5",
  up: "M3.5 10 8 5.5 12.5 10",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

interface IconButtonProps {
  icon: IconName;
  label: string;
  onClick: () => void;
  disabled?: boolean;
}

/** A button that shows an icon only; its label is the tooltip and the accessible name. */
export function IconButton({ icon, label, onClick, disabled = false }: IconButtonProps) {
  return (
    <button
      type="button"
      class="icon-button"
      title={label}
      aria-label={label}
      onClick={onClick}
      disabled={disabled}
    >
      <Icon name={icon} />
    </button>
  );
}
