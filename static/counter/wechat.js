// Inside WeChat the camera is WeChat's own scanner. Where WeChat does not lend it, the browser's camera is used. Loaded there only.
(() => {
  "use strict";
  const LIBRARY = "/open/js/jweixin-1.6.0.js", PATIENCE = 4000; // ms that WeChat may take to say yes
  const KIND = /^[A-Z][A-Z0-9_]*,/; // stands before what bars say: "CODE_128,4…"
  const till = (window.siyuTill = window.siyuTill || {});
  const says = document.getElementById("till").dataset;
  const landed = location.href.split("#")[0]; // an iPhone signs the address that it came by, others the present one
  let lent = null;

  const load = () => new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = says.wechatHost + LIBRARY;
    script.addEventListener("load", done);
    script.addEventListener("error", fail);
    document.head.append(script);
  });
  const borrow = async () => {
    await load();
    const url = /iPhone|iPad/.test(navigator.userAgent) ? landed : location.href.split("#")[0];
    const answer = await fetch(`${says.wechat}?${new URLSearchParams({ url })}`);
    if (!answer.ok) throw new Error(String(answer.status));
    const shown = await answer.json();
    await new Promise((done, fail) => {
      setTimeout(fail, PATIENCE);
      window.wx.ready(done);
      window.wx.error(fail);
      window.wx.config({ debug: false, ...shown, jsApiList: ["scanQRCode"] });
    });
  };
  // Did WeChat scan? Also when the clerk closed its scanner; false: the till's own camera has to.
  const scan = async () => {
    try { await (lent ??= borrow()); } catch { lent = null; return false; }
    return new Promise((done) => {
      const success = ({ resultStr }) => { done(true); till.scanned(resultStr.replace(KIND, "")); };
      window.wx.scanQRCode({ needResult: 1, scanType: ["qrCode", "barCode"], success, cancel: () => done(true), fail: () => done(false) });
    });
  };
  till.wechat = { scan };
})();
