// The frame of a report: one page that needs nothing but itself, and may do nothing but be read.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { escaped } from './text.ts'

const css = readFileSync(new URL('report.css', import.meta.url), 'utf8')
const iconSvg =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M16 16l7 13H9z" fill="#0072b2"/><path d="M3 20L29 10" stroke="#0072b2" stroke-width="3.2" stroke-linecap="round"/><circle cx="6" cy="13.5" r="4" fill="#e69f00"/><circle cx="25.5" cy="6.5" r="4" fill="#009e73"/></svg>'
const icon = `data:image/svg+xml,${encodeURIComponent(iconSvg)}`
const hash = `sha256-${createHash('sha256').update(css).digest('base64')}`

/** A page with this title and these elements as its body; its only style is report.css. */
export const toPage = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${hash}'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<link rel="icon" href="${icon}">
<style>${css}</style>
</head>
<body>
${body}
</body>
</html>
`
