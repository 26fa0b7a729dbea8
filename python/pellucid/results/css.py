"""Style sheets of the static HTML. Those of a fragment reach nothing outside its .pellucid."""

from __future__ import annotations

FRAGMENT = """
.pellucid{font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;max-width:760px;
 font-variant-numeric:tabular-nums}
.pellucid .pellucid-head{margin:0 0 .75em}
.pellucid .pellucid-muted{opacity:.75;font-size:13px}
.pellucid figure{margin:0 0 1.1em}
.pellucid figcaption{margin:0 0 .35em}
.pellucid svg{max-width:100%;height:auto;display:block;font-variant-numeric:tabular-nums}
.pellucid .pellucid-warning{border-left:3px solid #d55e00;padding:.1em 0 .1em .8em;margin:.5em 0}
"""

PAGE = """
:root{color-scheme:light dark}
body{margin:0;background:#fcfcfb;color:#1d1f22}
.pellucid-page{--quiet:#5b6066;--rule:#e2e2de;--panel:#f4f4f1;
 font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;
 max-width:720px;margin:0 auto;padding:56px 24px 64px;
 font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.pellucid-page h1{font:600 34px/1.2 ui-serif,Charter,"Iowan Old Style",Georgia,"Times New Roman",serif;
 letter-spacing:-.01em;margin:0 0 14px;text-wrap:balance}
.pellucid-page h2{font:600 21px/1.3 ui-serif,Charter,"Iowan Old Style",Georgia,"Times New Roman",serif;
 margin:52px 0 8px}
.pellucid-page h3{font-size:15px;font-weight:600;margin:30px 0 8px}
.pellucid-page p{margin:0 0 12px}
.pellucid-page .pellucid-brand{font-size:13px;letter-spacing:.08em;color:var(--quiet);margin:0 0 26px}
.pellucid-page .pellucid-intro{font-size:18px;line-height:1.55}
.pellucid-page .pellucid-quiet{color:var(--quiet);font-size:14px;line-height:1.5}
.pellucid-page .pellucid-muted{color:var(--quiet);font-size:14px}
.pellucid-page dl{display:grid;grid-template-columns:max-content 1fr;gap:7px 22px;margin:26px 0 0;
 padding:18px 22px;background:var(--panel);border-radius:6px;font-size:14.5px;line-height:1.45}
.pellucid-page dt{color:var(--quiet)}
.pellucid-page dd{margin:0}
.pellucid-page figure{margin:14px 0 30px}
.pellucid-page figcaption{margin:0 0 10px;font-size:15px}
.pellucid-page svg{max-width:100%;height:auto;display:block;font-variant-numeric:tabular-nums}
.pellucid-page .pellucid-key{display:flex;flex-wrap:wrap;gap:4px 20px;font-size:13.5px;
 color:var(--quiet);margin:0 0 6px}
.pellucid-page .pellucid-key svg{display:inline-block;vertical-align:-1px;margin-right:7px}
.pellucid-page .pellucid-scroll{overflow-x:auto;margin:0 0 22px}
.pellucid-page table{border-collapse:collapse;width:100%;font-size:14px;line-height:1.35}
.pellucid-page caption{text-align:left;font-weight:600;padding:0 0 8px}
.pellucid-page th{font-weight:500;color:var(--quiet);text-align:left;border-bottom:1px solid var(--rule);
 padding:6px 14px 6px 0;vertical-align:bottom}
.pellucid-page td{border-bottom:1px solid var(--rule);padding:5px 14px 5px 0;vertical-align:top}
.pellucid-page .pellucid-number{text-align:right;white-space:nowrap;padding-right:0;padding-left:14px}
.pellucid-page details{border-bottom:1px solid var(--rule);padding:10px 0}
.pellucid-page details+.pellucid-scroll{margin-top:34px}
.pellucid-page summary{cursor:pointer;font-weight:600;font-size:15px}
.pellucid-page details .pellucid-scroll{margin:10px 0 6px}
.pellucid-page ul{margin:0;padding:0 0 0 1.15em}
.pellucid-page li{margin:0 0 9px}
.pellucid-page .pellucid-warning{border-left:3px solid #d55e00;padding:2px 0 2px 14px;margin:0 0 12px}
.pellucid-page footer{margin:56px 0 0;padding:16px 0 0;border-top:1px solid var(--rule);color:var(--quiet);
 font-size:13px}
@media (prefers-color-scheme:dark){body{background:#16181b;color:#e4e5e6}
 .pellucid-page{--quiet:#a0a6ad;--rule:#2f3338;--panel:#1e2125}}
@media (max-width:560px){.pellucid-page{padding:32px 16px 40px}
 .pellucid-page dl{grid-template-columns:1fr;gap:0}
 .pellucid-page dd{margin:0 0 9px}}
@media print{body{background:#fff;color:#000}.pellucid-page{padding:0}
 .pellucid-page figure{break-inside:avoid}}
"""
