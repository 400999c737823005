// Style sheets are imported for what they do to the page; esbuild puts them together.
declare module '*.css'
