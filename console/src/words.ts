/** A schedule in words. What has no plain words says so; the cron expression stands beside it. */

import type { Schedule } from "./api";
import { texts } from "./texts";

const words = texts.schedule;

export function scheduleInWords(schedule: Schedule | undefined, realTime: boolean): string {
  if (realTime) return words.realTime;
  const type = (schedule?.type ?? "").toUpperCase();
  if (type === "CRON") return cronInWords(schedule?.cron?.expression ?? "");
  if (type === "EVENT") return words.event(schedule?.event?.eventType ?? "");
  return words.once;
}

/** Words for second, minute, hour, day, month, weekday (1 is Sunday). */
export function cronInWords(expression: string): string {
  const [second, minute = "", hour = "", day = "", month, weekday = "?"] = expression.trim().split(/\s+/);
  const days = month === "*" && second === "0" ? daysInWords(day, weekday) : null;
  const times = timesInWords(minute, hour);
  return days === null || times === null ? words.asCron : words.runs(days, times);
}

function daysInWords(day: string, weekday: string): string | null {
  const everyWeekday = weekday === "?" || weekday === "*";
  if (everyWeekday && (day === "*" || day === "?")) return words.everyDay;
  if (everyWeekday && day === "L") return words.lastDay;
  if (everyWeekday) {
    const days = numbers(day, 1, 31);
    return days && words.monthDays(days.map(String));
  }
  if (day !== "?" && day !== "*") return null;
  const named = weekday.toUpperCase().replace(/SUN|MON|TUE|WED|THU|FRI|SAT/g, (name) =>
    String(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"].indexOf(name) + 1),
  );
  const days = numbers(named, 1, 7);
  return days && words.weekdays(days.map((each) => words.dayNames[each - 1] ?? ""));
}

function timesInWords(minute: string, hour: string): string | null {
  const minutes = numbers(minute, 0, 59);
  const hours = numbers(hour, 0, 23);
  const everyMinute = step(minute, 60);
  const everyHour = step(hour, 24);
  if (everyMinute && everyMinute.first === 0) {
    const range = /^(\d+)-(\d+)$/.exec(hour);
    if (hour === "*") return words.everyMinutes(everyMinute.size, "");
    if (range) return words.everyMinutes(everyMinute.size, words.between(clock(Number(range[1]), 0), clock(Number(range[2]), 59)));
    return null;
  }
  if (minutes && hours) return words.atTimes(hours.flatMap((each) => minutes.map((at) => clock(each, at))));
  if (minutes && hour === "*") return words.hourly(minutes.map(String));
  if (minutes?.length === 1 && everyHour) return words.everyHours(everyHour.size, clock(everyHour.first, minutes[0] ?? 0));
  return null;
}

const clock = (hour: number, minute: number): string =>
  `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;

/** `1,15` or `2-6` as numbers, at most 24 of them; null for any other form. */
function numbers(field: string, least: number, most: number): number[] | null {
  const found: number[] = [];
  for (const part of field.split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) return null;
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (first < least || last > most || last < first) return null;
    for (let each = first; each <= last; each += 1) found.push(each);
  }
  return found.length <= 24 ? found : null;
}

/** `*` as 0/1, `0/5` and the like with a star; null for other forms and steps that do not divide an hour or a day. */
function step(field: string, whole: number): { first: number; size: number } | null {
  if (field === "*") return { first: 0, size: 1 };
  const match = /^(\*|\d+)\/(\d+)$/.exec(field);
  if (match === null || Number(match[2]) === 0 || whole % Number(match[2]) !== 0) return null;
  return { first: match[1] === "*" ? 0 : Number(match[1]), size: Number(match[2]) };
}
