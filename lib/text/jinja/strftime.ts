import { JinjaError, Unsupported } from "./values.ts";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS =
  "January February March April May June July August September October November December"
    .split(" ");

const pad = (value: number, size = 2, fill = "0") => String(value).padStart(size, fill);

/** Python's `strftime` in the C locale, of local time. */
export function strftime(date: Date, format: unknown): string {
  if (typeof format !== "string") throw new JinjaError("strftime_now: the format is no text");
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  const hour12 = (date.getHours() % 12) || 12;
  const ofYear = Math.round(
    (Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / 86_400_000,
  ) + 1;
  const fields: Readonly<Record<string, () => string>> = {
    a: () => DAYS[date.getDay()].slice(0, 3),
    A: () => DAYS[date.getDay()],
    b: () => MONTHS[month].slice(0, 3),
    B: () => MONTHS[month],
    d: () => pad(day),
    e: () => pad(day, 2, " "),
    D: () => strftime(date, "%m/%d/%y"),
    F: () => strftime(date, "%Y-%m-%d"),
    H: () => pad(date.getHours()),
    I: () => pad(hour12),
    j: () => pad(ofYear, 3),
    m: () => pad(month + 1),
    M: () => pad(date.getMinutes()),
    p: () => date.getHours() < 12 ? "AM" : "PM",
    R: () => strftime(date, "%H:%M"),
    S: () => pad(date.getSeconds()),
    T: () => strftime(date, "%H:%M:%S"),
    u: () => String(date.getDay() || 7),
    w: () => String(date.getDay()),
    y: () => pad(year % 100),
    Y: () => String(year),
    n: () => "\n",
    t: () => "\t",
    "%": () => "%",
  };
  return format.replace(/%(-?)([^])/g, (all, plain: string, field: string) => {
    if (!Object.hasOwn(fields, field)) throw new Unsupported(`strftime's ${all}`);
    const value = fields[field]();
    return plain ? value.replace(/^0+(?=.)/, "") : value;
  });
}
