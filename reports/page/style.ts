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
#overview,#studies-overview,main,footer{max-width:1076px;margin:0 auto;padding:0 22px}
header{margin:0 -22px;padding-left:22px;padding-right:22px;display:flex;flex-wrap:wrap;gap:2px 24px;justify-content:space-between;padding-top:20px;padding-bottom:12px;
border-bottom:1px solid var(--grid);font-size:13px;color:var(--muted)}
header h1,header h2{margin:0;font-size:13px;font-weight:400}
header b{color:var(--ink);font-weight:650;font-size:15px}
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
article+article{border-top:3px solid var(--ink);margin-top:40px}
.script-only{display:none}
.script .script-only{display:inline}
figcaption .script-only{float:right}
button{font:inherit;font-size:12px;color:var(--muted);background:none;border:1px solid var(--grid);border-radius:4px;padding:1px 8px;cursor:pointer}
button:hover{color:var(--ink);border-color:var(--muted)}
button:focus-visible,.chart:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.chart[role=slider]{cursor:crosshair;border-radius:3px}
.instant{margin:-8px 0 22px;font-size:13px}
.instant summary{font-weight:400}
.instant summary data{font-weight:650}
.whole{white-space:nowrap}
.instant .swatch{margin-left:2px;margin-right:4px}
.copyable{position:relative}
.copyable pre{max-height:300px;overflow:auto}
.copyable pre{padding-right:130px}
.copyable button{position:absolute;top:7px;right:8px;background:var(--raised)}
.what-if{padding:0;display:none}
.script .what-if{display:block;position:sticky;bottom:0;z-index:2;background:var(--paper);border-top:1px solid var(--muted);margin:22px -22px 0;padding:0 22px;box-shadow:0 -6px 16px #0002}
.script .what-if:empty{display:none}
.script .what-if+section{border-top:0;margin-top:0}
html.script{scroll-padding-bottom:190px}
.panel{margin:0;padding:7px 0}
.panel summary{font-weight:400;font-size:13px}
.panel summary span{color:var(--muted);margin-left:6px}
.panel form{display:flex;flex-wrap:wrap;gap:5px 14px;align-items:flex-start;padding:5px 0 2px;font-size:13px}
.field{border:0;margin:0;padding:0;min-width:0}
.field>label:first-child{display:block;color:var(--muted);font-size:12px;line-height:1.35}
.field input[type=range]{display:block;width:100%;height:16px;margin:3px 0 0;accent-color:var(--accent)}
.field:has(input[type=range]){width:72px}
.field:has(input[type=range]) input[type=text]{width:100%}
.panel fieldset{flex:1 1 calc(100% - 200px)}
.panel legend{float:left;color:var(--muted);padding:0;margin-right:12px}
.panel fieldset label{margin-right:12px;white-space:nowrap}
.panel fieldset input{margin:0 4px 0 0;vertical-align:-1px;accent-color:var(--accent)}
.panel .actions{white-space:nowrap;margin-left:auto}
.panel .actions:first-child{order:1;padding-top:17px}
.field input[type=text],select{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--grid);border-radius:4px;padding:2px 6px;max-width:100%}
input:focus-visible,select:focus-visible{outline:2px solid var(--accent)}
.problems{font-size:13px}
.problems p{border-left:3px solid ${PALETTE.activation.hex};padding-left:10px}
.refused>section:not(.what-if){opacity:.35}
footer{padding-top:18px;padding-bottom:32px;font-size:13px;color:var(--muted)}
@media screen and (max-width:700px){
.wide-only{display:none}.narrow{display:block}
#overview,#studies-overview,main,footer{padding-left:16px;padding-right:16px}
header{margin:0 -16px;padding-left:16px;padding-right:16px}
.answer .lead{font-size:19px}
.scroll code{white-space:nowrap}wbr{display:none}
dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:6px}

.copyable pre{padding-right:12px}.copyable button{position:static}
.script .what-if{margin:22px -16px 0;padding:0 16px}
.panel[open] form{max-height:46vh;overflow:auto}
}
@media print{
@page{margin:14mm}
body{font-size:10.5pt}
#overview,#studies-overview,main,footer{max-width:none;padding-left:0;padding-right:0}
.scroll,.scroll.tall{overflow:visible;max-height:none}
.tall thead th{position:static}
table{font-size:8.5pt}
th,td{padding-right:9px}
tr,figure,h2,h3{break-inside:avoid}
h2,h3,figcaption,caption,.basis,summary{break-after:avoid}
svg *{print-color-adjust:exact}
.script .what-if,.script .script-only{display:none}
}
`
