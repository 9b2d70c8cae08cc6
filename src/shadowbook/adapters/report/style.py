"""The page's style: one column on a phone, text beside the drawing on a desktop, ink on paper.

Colors follow Okabe and Ito (2008), told apart with every kind of color vision, and each line has
dashes of its own. Text has a contrast of at least 4.5 to 1 with its ground, lines of 3 to 1.
"""

STYLE = """
:root{color-scheme:light dark;--ground:#fff;--ink:#1a1a1a;--faint:#4a4a4a;--rule:#d0d0d0;
--grid:#e2e2e2;--panel:#f5f6f8;--c0:#0072b2;--c1:#c45000;--c2:#00815d;--c3:#a8497f;--c4:#8a6100;
--c5:#3a6ea5;--band:#0072b2;--good:#00664a;--warned:#8a4b00;--failed:#a01818;--full:#b9d6ea;
--part:#4f93c4;--thin:#08324d;--hatch:#c45000;--train:#9cc3de;--test:#c45000}
@media screen and (prefers-color-scheme:dark){:root{--ground:#121417;--ink:#ececec;--faint:#b9bdc3;
--rule:#454a52;--grid:#2c3036;--panel:#1c2025;--c0:#56b4e9;--c1:#f0924e;--c2:#3ecf9f;--c3:#e39ac4;
--c4:#e6b84e;--c5:#9fb8f0;--band:#56b4e9;--good:#5fd3a8;--warned:#f0b060;--failed:#ff9a9a;
--full:#274b63;--part:#4784b0;--thin:#d9effc;--hatch:#f0924e;--train:#3a6786;--test:#f0924e}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0 auto;max-width:1080px;padding:16px 14px 40px;background:var(--ground);
color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,
sans-serif}
h1{font-size:1.5rem;line-height:1.2;margin:0 0 .2rem}
h2{font-size:1.2rem;line-height:1.25;margin:2.4rem 0 .6rem;padding-top:.8rem;
border-top:2px solid var(--ink)}
h3{font-size:1rem;margin:1.4rem 0 .4rem}
p{margin:.4rem 0;max-width:72ch}
ul{padding-left:1.2rem;max-width:72ch}
li{margin:.3rem 0}
.faint{color:var(--faint);font-size:.9rem}
nav{font-size:.95rem;margin:.6rem 0}
nav a{display:inline-block;padding:.3rem .7rem .3rem 0;color:var(--c0)}
figure{margin:0}
.picture{max-width:500px}
.picture>svg{display:block;width:100%;height:auto;margin:.3rem 0}
svg{fill:var(--ink);font-size:12px;font-family:inherit}
svg .faint{fill:var(--faint);font-size:11px}
svg .small{font-size:11px}
svg .strong{font-weight:600}
svg .halo{paint-order:stroke;stroke:var(--ground);stroke-width:3}
.grid,.axis,.line,.boundary,.gap,.whisker,.cell{fill:none;stroke-width:1}
.grid{stroke:var(--grid)}
.axis{stroke:var(--faint)}
.axis.strong{stroke:var(--ink);stroke-width:1.2}
.boundary{stroke:var(--faint);stroke-dasharray:1 3}
.gap{stroke:var(--ink);stroke-width:2}
.whisker{stroke:var(--ink);stroke-width:1.1}
.cell{stroke:var(--ground);stroke-width:.6}
.line{stroke-width:1.3;stroke-linejoin:round}
.c0{stroke:var(--c0);stroke-width:2.2}
.c1{stroke:var(--c1);stroke-dasharray:6 2}
.c2{stroke:var(--c2);stroke-dasharray:2 1.5}
.c3{stroke:var(--c3);stroke-dasharray:8 2 2 2}
.c4{stroke:var(--c4);stroke-dasharray:4 4}
.c5{stroke:var(--c5);stroke-dasharray:1 3;stroke-width:2}
.mean{stroke:var(--c1);stroke-dasharray:6 3;stroke-width:1.6}
.line.thin{stroke:var(--c0)}
.line.older{stroke:var(--faint);stroke-width:.7}
.mark{fill:none;stroke:var(--faint);stroke-width:1.4}
.mark.promotion{stroke:var(--ink);stroke-width:1.2}
.mark.promotion.simulated{stroke-dasharray:3 2}
.band{fill:var(--band);fill-opacity:.22}
.bar{fill:var(--c0);fill-opacity:.55}
.train{fill:var(--train);stroke:var(--c0);stroke-width:.6}
.purge{fill:url(#hatch-purge)}
.embargo{fill:url(#hatch-embargo)}
.test{fill:var(--test)}
.full{fill:var(--full);stroke:var(--part);stroke-width:.5}
.part{fill:var(--part)}
.thin{fill:var(--thin)}
.line.thin{fill:none}
.quarantined{fill:url(#hatch-quarantine);stroke:var(--hatch);stroke-width:1}
.patterns{position:absolute;width:0;height:0}
.patterns rect{fill:var(--ground)}
.patterns path{stroke:var(--ink);stroke-width:1.4;fill:none}
.patterns .hot{stroke:var(--hatch);stroke-width:2}
.key{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1rem;padding:0;margin:.3rem 0;
font-size:.9rem}
.key li{display:flex;align-items:center;gap:.4rem;margin:.1rem 0}
.sample{width:30px;height:12px;flex:none}
.doubt{border-left:4px solid var(--c1);padding-left:.7rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:.6rem;
margin:.8rem 0}
.tile{background:var(--panel);border:1px solid var(--rule);border-radius:6px;padding:.5rem .7rem;
display:flex;flex-direction:column}
.tile .name{font-size:.9rem}
.tile .value{font-size:1.45rem;font-weight:600;font-variant-numeric:tabular-nums}
.tile .error{display:block;color:var(--faint)}
.tile .hint{font-size:.85rem;color:var(--faint)}
dl{margin:.6rem 0}
dl div{display:grid;grid-template-columns:minmax(7rem,11rem) 1fr;gap:.1rem 1rem;padding:.25rem 0;
border-bottom:1px solid var(--grid)}
dt{color:var(--faint)}
dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.92rem;
font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--faint);padding:.2rem 0}
th,td{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--grid);
vertical-align:top;overflow-wrap:anywhere}
thead th{border-bottom:1px solid var(--ink);overflow-wrap:break-word}
tbody th{font-weight:400}
.narrow{width:auto;min-width:20rem;max-width:100%}
.narrow :is(th,td):not(:first-child){text-align:right;padding:.3rem 0 .3rem .7rem}
.narrow tbody :is(th,td){white-space:nowrap}
.narrow thead th{overflow-wrap:anywhere}
.chosen th,.chosen td{font-weight:600}
details{margin:.5rem 0}
summary{cursor:pointer;padding:.35rem 0;color:var(--c0)}
pre{background:var(--panel);border:1px solid var(--rule);padding:.6rem .7rem;white-space:pre-wrap;
overflow-wrap:anywhere;font-size:.92rem}
.feed{border-left:4px solid var(--rule);padding:.1rem 0 .1rem .8rem;margin:1.2rem 0}
.feed.good{border-color:var(--good)}
.feed.warned{border-color:var(--warned)}
.feed.failed{border-color:var(--failed)}
.feed h3{margin:.2rem 0}
.badge{font-size:.85rem;font-weight:600;padding:.05rem .45rem;border-radius:4px;
border:1.5px solid;margin-left:.4rem;white-space:nowrap}
.badge.good{color:var(--good)}
.badge.warned{color:var(--warned)}
.badge.failed{color:var(--failed)}
.finding{margin:.7rem 0}
.many{columns:22rem 2;column-gap:2rem;font-size:.88rem;max-width:none}
.many li{break-inside:avoid;margin:.1rem 0}
footer{margin-top:2.5rem;border-top:1px solid var(--rule);padding-top:.8rem}
@media screen and (max-width:640px){
table:not(.narrow),table:not(.narrow) :is(tbody,tr,th,td,caption){display:block}
table:not(.narrow) thead{position:absolute;width:1px;height:1px;overflow:hidden;
clip-path:inset(50%)}
table:not(.narrow) tbody tr{padding:.45rem 0;border-bottom:1px solid var(--rule)}
table:not(.narrow) tbody :is(th,td){border:0;padding:.05rem 0}
table:not(.narrow) tbody th{font-weight:600}
table:not(.narrow) tbody td{display:grid;grid-template-columns:minmax(6.5rem,34%) 1fr;gap:.6rem}
table:not(.narrow) tbody td::before{content:attr(data-label);color:var(--faint);font-weight:400}
dl div{grid-template-columns:1fr}
}
@media screen and (min-width:900px){
figure{display:grid;grid-template-columns:minmax(0,500px) minmax(0,1fr);gap:2rem;
align-items:start}
}
@media print{
@page{size:A4;margin:14mm 14mm 16mm}
html{font-size:9.5pt}
body{max-width:none;padding:0;font-size:1rem;line-height:1.4}
nav{display:none}
h1{font-size:16pt}
h2{font-size:12.5pt;margin:1.4rem 0 .5rem;break-after:avoid}
h3{break-after:avoid}
figure{display:grid;grid-template-columns:105mm 1fr;gap:6mm;align-items:start;break-inside:avoid}
.picture>svg,.tile,tr,.finding,.key,dl div,pre{break-inside:avoid}
.tiles{grid-template-columns:repeat(5,1fr);gap:2mm}
.tile{padding:1.5mm 2mm}
.tile .value{font-size:13pt}
section>p:first-of-type{break-before:avoid}
thead{display:table-header-group}
details::details-content{content-visibility:visible;block-size:auto}
summary{list-style:none;color:var(--ink);font-weight:600;break-after:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
"""

PATTERNS = (
    '<svg class="patterns" aria-hidden="true" focusable="false"><defs>'
    '<pattern id="hatch-purge" width="4" height="4" patternUnits="userSpaceOnUse">'
    '<rect width="4" height="4"/><path d="M-1 5L5-1M-1 1L1-1M3 5L5 3"/></pattern>'
    '<pattern id="hatch-embargo" width="4" height="4" patternUnits="userSpaceOnUse">'
    '<rect width="4" height="4"/><path d="M1 0V4"/></pattern>'
    '<pattern id="hatch-quarantine" width="4" height="4" patternUnits="userSpaceOnUse">'
    '<rect width="4" height="4"/><path class="hot" d="M-1 5L5-1M-1 1L1-1M3 5L5 3"/></pattern>'
    "</defs></svg>"
)
"""Hatchings that the style sheet fills with."""
