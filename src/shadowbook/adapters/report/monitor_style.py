"""What the monitor's page adds to the style sheet: tiers, and windows that a press chooses."""

MOST_WINDOWS = 8
"""Windows that a figure can be switched between; further ones always show."""

MONITOR_STYLE = """
.badge.quiet{color:var(--good)}
.badge.watch{color:var(--c5)}
.badge.warning{color:var(--warned)}
.badge.critical{color:var(--failed)}
.zone{stroke:none}
.zone.watch{fill:var(--c5);fill-opacity:.2}
.zone.warning{fill:var(--warned);fill-opacity:.26}
.zone.critical{fill:var(--failed);fill-opacity:.28}
.limit{fill:none;stroke-width:1}
.limit.watch{stroke:var(--c5);stroke-dasharray:2 2}
.limit.warning{stroke:var(--warned);stroke-dasharray:6 2}
.limit.critical{stroke:var(--failed);stroke-width:1.6}
.event{stroke-width:1.3;stroke-linejoin:round}
.event.watch{stroke:var(--c5);fill:var(--c5)}
.event.warning{stroke:var(--warned);fill:var(--warned)}
.event.critical{stroke:var(--failed);fill:var(--failed)}
.event.cleared,.event.acknowledged{fill:var(--ground)}
.lasting{stroke-width:4;fill:none}
.lasting.watch{stroke:var(--c5);stroke-opacity:.5}
.lasting.warning{stroke:var(--warned);stroke-opacity:.6}
.lasting.critical{stroke:var(--failed)}
.one{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:5 3;fill:none}
.delay{fill:var(--part)}
.realized{fill:var(--test)}
.opportunity{fill:var(--full);stroke:var(--part);stroke-width:.6}
.explicit{fill:url(#hatch-purge);stroke:var(--ink);stroke-width:.6}
.promised,.earned{fill:var(--part)}
.lost{fill:var(--hatch)}
.gained{fill:var(--good)}
.rest{fill:url(#hatch-purge);stroke:var(--ink);stroke-width:.6}
.join{stroke:var(--faint);stroke-width:.8;fill:none}
.windows{display:flex;flex-direction:column}
.windows>input{position:absolute;opacity:0;width:1px;height:1px}
.windows>.names{order:-1;display:flex;flex-wrap:wrap;gap:.3rem;margin:.2rem 0 .4rem;font-size:.9rem;
align-items:center}
.windows>.names label{border:1px solid var(--faint);border-radius:4px;padding:.15rem .6rem;
cursor:pointer}
.windows>.panel{display:none}
.windows>.panel.always{display:block}
.windows .panel svg{display:block;width:100%;height:auto}
.windows .panel h4{display:none;margin:.4rem 0 0;font-size:.9rem}
.multiples{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:.4rem 1.6rem}
.multiples svg{display:block;width:100%;height:auto}
.multiples h4,.books h4{margin:.5rem 0 .1rem;font-size:.95rem}
.multiples p{font-size:.88rem;margin:.1rem 0}
.headline{border-left:4px solid var(--rule);padding:.1rem 0 .1rem .8rem;margin:.6rem 0 1rem}
.headline.quiet{border-color:var(--good)}
.headline.watch{border-color:var(--c5)}
.headline.warning{border-color:var(--warned)}
.headline.critical{border-color:var(--failed)}
.strategy>h2{font-size:1.35rem}
.strategy section h2{font-size:1.1rem;border-top-width:1px;margin-top:1.6rem}
h4{font-size:.95rem;margin:1rem 0 .3rem}
@media screen and (min-width:641px){
main :is(th,td){overflow-wrap:break-word}
.strategy tbody th{white-space:nowrap}
}
@media print{
.windows>.names{display:none}
.windows>.panel{display:block;break-inside:avoid}
.windows .panel h4{display:block}
}
""" + "".join(
    f".windows>input:nth-of-type({n}):checked~.panel:nth-of-type({n}){{display:block}}"
    f".windows>input:nth-of-type({n}):checked~.names>label:nth-of-type({n})"
    "{background:var(--ink);color:var(--ground);font-weight:600}"
    f".windows>input:nth-of-type({n}):focus-visible~.names>label:nth-of-type({n})"
    "{outline:3px solid var(--c0);outline-offset:1px}"
    for n in range(1, MOST_WINDOWS + 1)
)
