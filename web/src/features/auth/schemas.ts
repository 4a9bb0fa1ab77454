// Rules of the sign-in forms, checked while typing; the server checks them again.
import * as z from "zod/mini";
import { t } from "@/strings";

z.config({ jitless: true });

export const required = z.string().check(z.trim(), z.minLength(1, t.validation.required));
export const email = z.string().check(z.trim(), z.minLength(1, t.validation.required), z.email(t.validation.email));
export const newPassword = z.string().check(
  z.minLength(12, t.validation.password),
  z.maxLength(256, t.validation.tooLong(256)),
  z.regex(/\p{Lu}/u, t.validation.passwordUpper),
  z.regex(/\p{Ll}/u, t.validation.passwordLower),
  z.regex(/\d/, t.validation.passwordDigit),
  z.regex(/[^\p{L}\d]/u, t.validation.passwordSign),
);
export const personName = z.string().check(z.trim(), z.minLength(1, t.validation.required), z.maxLength(100, t.validation.tooLong(100)));
export const slug = z.string().check(z.regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/, t.validation.slug));

/** "Acme & Söhne" becomes "acme-sohne". */
export function slugOf(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40)
    .replace(/-+$/, "");
}
