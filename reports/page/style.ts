import { GROUPS, PALETTE } from '../palette.ts'
import { PALETTE_PAGE, type Theme } from './theme.ts'

const variables = (theme: Theme): string =>
  Object.entries(PALETTE_PAGE[theme])
    .map(([name, value]) => `--${name}:${value}`)
    .join(';')

const swatches = GROUPS.map((g) => `.k-${g.replaceAll(' ', '-')}{background:${PALETTE[g].hex}}`).join('\n')

/** The page's whole style; its hash stands in the page's policy. Paper is always light. */
export const STYLE = `
:root{color-scheme:light dark;${variables('light')}}
@media screen and (prefers-color-scheme:dark){:root{${variables('dark')}}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}
header,main,footer{max-width:1076px;margin:0 auto;padding:0 22px}
header{display:flex;flex-wrap:wrap;gap:2px 24px;justify-content:space-between;padding-top:20px;padding-bottom:12px;
border-bottom:1px solid var(--grid);font-size:13px;color:var(--muted)}
h1{margin:0;font-size:13px;font-weight:400}
h1 b{color:var(--ink);font-weight:650;font-size:15px}
h2{margin:0 0 2px;font-size:18px;line-height:1.3;font-weight:650}
h3{margin:26px 0 2px;font-size:15px;font-weight:650}
section{padding:26px 0 4px}
section+section{border-top:1px solid var(--grid);margin-top:22px}
p{margin:6px 0;max-width:78ch}
.answer .lead{font-size:23px;line-height:1.32;font-weight:600;letter-spacing:-.01em;max-width:46em;margin:0 0 8px;text-wrap:pretty}
.basis,.muted,figcaption,caption{color:var(--muted)}
.basis{font-size:13px;margin:0 0 12px;max-width:none}
.note{border-left:3px solid var(--muted);padding:2px 0 2px 12px}
a{color:var(--accent)}
code,pre{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;unicode-bidi:isolate}
code{overflow-wrap:break-word}
pre{background:var(--raised);padding:10px 12px;border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere;margin:6px 0}
figure{margin:14px 0 18px}
figcaption{font-size:13px;margin-bottom:4px}
figcaption b{color:var(--ink);font-size:15px;font-weight:650}
figure svg{display:block;width:100%;height:auto}
.narrow{display:none}
.key{display:inline-block;width:20px;vertical-align:middle;margin-right:5px}
.key.line{border-top:1.5px solid var(--ink)}
.key.broad{border-top:6px solid ${PALETTE.temporary.hex}}
.key.dot{width:9px;height:9px;border-radius:50%;background:var(--ink)}
.swatch{display:inline-block;width:10px;height:10px;margin-right:6px;border-radius:2px;print-color-adjust:exact}
${swatches}
.scroll{overflow:auto;margin:10px 0 16px;outline-offset:2px}
.scroll.tall{max-height:430px;border-bottom:1px solid var(--grid)}
table{border-collapse:collapse;width:100%;font-size:13px;line-height:1.4}
caption{text-align:left;padding:0 0 4px;font-size:13px}
th,td{padding:4px 14px 4px 0;text-align:left;vertical-align:top;border-top:1px solid var(--grid)}
tr>:last-child{padding-right:4px}
thead th{border-top:0;color:var(--muted);font-weight:500;vertical-align:bottom;background:var(--paper);white-space:nowrap}
.tall thead th{position:sticky;top:0;box-shadow:0 1px var(--grid)}
tbody th{font-weight:600;white-space:nowrap;max-width:16em;overflow:hidden;text-overflow:ellipsis}
.n{text-align:right;white-space:nowrap}
table.fit{width:auto}
.fit td,.fit th{padding-right:36px}
tfoot td,tfoot th{font-weight:600;border-top:1px solid var(--muted)}
.group th{padding-top:14px;white-space:normal;max-width:none}
.group span{font-weight:400;color:var(--muted)}
.ok,.bad{font-weight:600;white-space:nowrap}
th button{all:unset;cursor:pointer}
th button:hover{color:var(--ink);text-decoration:underline}
th button:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--accent)}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
details{margin:10px 0}
summary{cursor:pointer;font-weight:600;padding:3px 0}
summary span{font-weight:400;color:var(--muted)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 20px;margin:8px 0;font-size:13px}
dt{color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere}
ul{margin:6px 0;padding-left:20px}
footer{padding-top:18px;padding-bottom:32px;font-size:13px;color:var(--muted)}
@media screen and (max-width:700px){
.wide-only{display:none}.narrow{display:block}
header,main,footer{padding-left:16px;padding-right:16px}
.answer .lead{font-size:19px}
.scroll code{white-space:nowrap}wbr{display:none}
dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:6px}
}
@media print{
@page{margin:14mm}
body{font-size:10.5pt}
header,main,footer{max-width:none;padding-left:0;padding-right:0}
.scroll,.scroll.tall{overflow:visible;max-height:none}
.tall thead th{position:static}
table{font-size:8.5pt}
tr,figure,h2,h3{break-inside:avoid}
h2,h3,figcaption,caption,.basis,summary{break-after:avoid}
svg *{print-color-adjust:exact}
}
`
