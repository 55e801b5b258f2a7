interface AccountFieldsProps {
  email: string;
  password: string;
  isNew: boolean;
  onEmail: (email: string) => void;
  onPassword: (password: string) => void;
}

/** E-mail address and password, labelled so that password managers know them. */
export function AccountFields({ email, password, isNew, onEmail, onPassword }: AccountFieldsProps) {
  return (
    <>
      <label class="stacked">
        E-mail address
        <input
          type="text"
          inputMode="email"
          autocomplete="username"
          required
          value={email}
          onInput={(event) => onEmail(event.currentTarget.value)}
        />
      </label>
      <label class="stacked">
        {isNew ? "Password, 12 characters or more" : "Password"}
        <input
          type="password"
          autocomplete={isNew ? "new-password" : "current-password"}
          minLength={isNew ? 12 : undefined}
          required
          value={password}
          onInput={(event) => onPassword(event.currentTarget.value)}
        />
      </label>
    </>
  );
}
