/** An answer of the gateway that does not have the agreed shape. */
export class ShapeError extends Error {
  override name = "ShapeError";
}

/**
 * Reads the fields of one JSON object with the types the page relies on.
 * A missing field or one of another type throws a ShapeError that names it.
 */
export class Fields {
  readonly #fields: Record<string, unknown>;
  readonly #where: string;

  constructor(value: unknown, where: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new ShapeError(`${where} is not an object`);
    }
    this.#fields = value as Record<string, unknown>;
    this.#where = where;
  }

  text(name: string): string {
    const value = this.#fields[name];
    return typeof value === "string" ? value : this.#refuse(name, "a string");
  }

  textOrNull(name: string): string | null {
    return (this.#fields[name] ?? null) === null ? null : this.text(name);
  }

  number(name: string): number {
    const value = this.#fields[name];
    return typeof value === "number" ? value : this.#refuse(name, "a number");
  }

  numberOrNull(name: string): number | null {
    return (this.#fields[name] ?? null) === null ? null : this.number(name);
  }

  flag(name: string): boolean {
    const value = this.#fields[name];
    return typeof value === "boolean" ? value : this.#refuse(name, "true or false");
  }

  object(name: string): Fields {
    return new Fields(this.#fields[name], `${this.#where}.${name}`);
  }

  list(name: string): unknown[] {
    const value = this.#fields[name];
    return Array.isArray(value) ? value : this.#refuse(name, "a list");
  }

  objects<T>(name: string, read: (fields: Fields) => T): T[] {
    return this.list(name).map((item, i) => read(new Fields(item, `${this.#where}.${name}[${i}]`)));
  }

  texts(name: string): string[] {
    const list = this.list(name);
    return list.every((item) => typeof item === "string") ? list : this.#refuse(name, "a list of strings");
  }

  /** A column of `length` numbers; the caller copies it into a typed array. */
  numbers(name: string, length: number): ArrayLike<number> {
    const list = this.list(name);
    return list.length === length ? (list as number[]) : this.#refuse(name, `a column of ${length} numbers`);
  }

  entries(): [string, unknown][] {
    return Object.entries(this.#fields);
  }

  #refuse(name: string, expected: string): never {
    throw new ShapeError(`${this.#where}.${name} is not ${expected}`);
  }
}
