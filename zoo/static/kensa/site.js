/* Kensa: the one script. Everything here is a comfort on a page that works without it, except live progress, where the
   Reload link stands in. Hooks are data attributes:
     [data-copy]     gets a button that copies the text of its <pre>
     [data-drop]     a file field that takes dropped files and says what was chosen
     form[data-send] is sent with a progress bar; the answer's <main> replaces ours (a fault list) or we go on
     [data-live]     (with an id) is replaced by its newer self every data-live seconds, until it has no data-live
     [data-confirm]  asks before its form is sent
     [data-shows]    a radio or select whose value shows the elements with data-for="<value>" in its form */
(() => {
  "use strict";
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const words = document.documentElement.lang.startsWith("ja")
    ? { copy: "コピー", copied: "コピーしました", drop: "ここにファイルをドロップするか、選択してください", sending: "送信中", checking: "確認中", failed: "送信できませんでした。もう一度お試しください。" }
    : { copy: "Copy", copied: "Copied", drop: "Drop a file here, or choose one", sending: "Sending", checking: "Checking", failed: "The file could not be sent. Is the connection up? Try again." };

  const make = (tag, attributes, text) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    if (text) element.textContent = text;
    return element;
  };

  /* ---- copy ---- */
  async function copy(text) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = make("textarea", { class: "vh", readonly: "" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy"); // plain http on a hospital network has no clipboard API
    area.remove();
  }

  function copyButtons(root) {
    for (const box of all("[data-copy]", root)) {
      if (box.querySelector("button.copy")) continue;
      const source = box.querySelector("pre, code");
      const title = box.querySelector("b");
      const button = make("button", { type: "button", class: "btn small copy" }, words.copy);
      if (title) button.append(make("span", { class: "vh" }, " " + title.textContent));
      const label = button.firstChild;
      button.addEventListener("click", async () => {
        await copy(source.textContent);
        label.data = words.copied;
        setTimeout(() => (label.data = words.copy), 2000);
      });
      (box.querySelector(".bar") || box).append(button);
    }
  }

  /* ---- a file field that takes what is dropped on it ---- */
  const size = (bytes) => {
    const units = ["bytes", "kB", "MB", "GB", "TB"];
    let power = 0;
    while (bytes >= 999.5 && power < 4) { bytes /= 1000; power += 1; }
    return (power && bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)) + " " + units[power];
  };

  function dropFields(root) {
    for (const box of all("[data-drop]", root)) {
      const input = box.querySelector('input[type="file"]');
      const says = box.querySelector(".drop-says") || box.insertBefore(make("p", { class: "drop-says", "aria-live": "polite" }, words.drop), input);
      box.classList.add("live");
      const say = () => {
        const files = Array.from(input.files);
        says.textContent = files.length ? files.map((file) => `${file.name}, ${size(file.size)}`).join(" · ") : words.drop;
        box.classList.toggle("filled", files.length > 0);
      };
      input.addEventListener("change", say);
      for (const name of ["dragenter", "dragover"]) box.addEventListener(name, (event) => { event.preventDefault(); box.classList.add("over"); });
      for (const name of ["dragleave", "drop"]) box.addEventListener(name, () => box.classList.remove("over"));
      box.addEventListener("drop", (event) => {
        event.preventDefault();
        if (!event.dataTransfer.files.length) return;
        input.files = event.dataTransfer.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
      });
      say();
    }
  }

  /* ---- sending a file with progress ---- */
  function takeOver(html, address) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const main = page.querySelector("main");
    if (!main) { location.assign(address); return; }
    document.querySelector("main").replaceWith(main);
    document.title = page.title;
    ready(main);
    const notice = main.querySelector('[role="alert"]') || main;
    notice.setAttribute("tabindex", "-1");
    notice.focus();
    notice.scrollIntoView({ block: "start" });
  }

  function sendForms(root) {
    for (const form of all("form[data-send]", root)) {
      form.addEventListener("submit", (event) => {
        const file = form.querySelector('input[type="file"]');
        if (!file || !file.files.length || file.disabled) return; // nothing to show progress for
        event.preventDefault();
        const button = event.submitter || form.querySelector('[type="submit"]');
        const bar = make("progress", { max: "100", value: "0" });
        const says = make("p", { class: "sending", role: "status" }, words.sending);
        button.disabled = true;
        button.after(says, bar);
        const done = () => { button.disabled = false; says.remove(); bar.remove(); };
        const request = new XMLHttpRequest();
        request.open("POST", form.action);
        request.upload.addEventListener("progress", (step) => {
          if (!step.lengthComputable) return;
          const share = Math.round((100 * step.loaded) / step.total);
          bar.value = share;
          bar.textContent = says.textContent = share < 100 ? `${words.sending}: ${share} %` : words.checking;
          if (share === 100) bar.removeAttribute("value");
        });
        request.addEventListener("load", () => {
          done();
          const there = new URL(request.responseURL || location.href, location.href);
          if (request.status < 400 && there.pathname !== location.pathname) location.assign(there.href);
          else takeOver(request.responseText, there.href);
        });
        request.addEventListener("error", () => { done(); form.append(make("p", { class: "wrong-text", role: "alert" }, words.failed)); });
        request.send(new FormData(form));
      });
    }
  }

  /* ---- live progress ---- */
  const watched = new WeakSet();
  function live(root) {
    for (const panel of all("[data-live]", root)) {
      if (watched.has(panel)) continue;
      watched.add(panel);
      const again = () => setTimeout(refresh, 1000 * Math.max(1, Number(panel.dataset.live) || 3));
      const refresh = async () => {
        if (!panel.isConnected) return;
        if (document.hidden) return again();
        let fresh = null;
        try {
          const answer = await fetch(location.href, { credentials: "same-origin" });
          if (answer.ok) fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(panel.id);
        } catch { /* the server is being restarted: ask again */ }
        // The words decide: hidden form tokens differ from answer to answer.
        if (!fresh || fresh.textContent === panel.textContent) return again();
        const focused = panel.contains(document.activeElement) ? document.activeElement.id : "";
        panel.replaceWith(fresh);
        if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
        ready(fresh.parentElement);
      };
      again();
    }
  }

  /* ---- parts of a form that belong to one choice ---- */
  function shows(root) {
    for (const control of all("[data-shows]", root)) {
      const form = control.form;
      const apply = () => {
        const value = control.type === "radio" ? (form.querySelector(`[name="${control.name}"]:checked`) || {}).value : control.value;
        for (const part of all("[data-for]", form)) {
          part.hidden = part.dataset.for !== value;
          for (const field of all("input, select, textarea", part)) field.disabled = part.hidden;
        }
      };
      control.addEventListener("change", apply);
      apply();
    }
  }

  /* ---- asking first ---- */
  document.addEventListener("submit", (event) => {
    const text = (event.submitter && event.submitter.dataset.confirm) || event.target.dataset.confirm;
    if (text && !window.confirm(text)) event.preventDefault();
  }, true);

  /* ---- menus: Escape and a click outside close them ---- */
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of all("details.menu[open]")) {
      const inside = menu.contains(document.activeElement);
      menu.open = false;
      if (inside) menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  /* ---- theme, without a reload ---- */
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-theme-link]");
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    const theme = link.dataset.themeLink;
    fetch(link.href, { credentials: "same-origin", redirect: "manual" });
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    const meta = document.querySelector('meta[name="color-scheme"]');
    meta.content = theme === "system" ? "light dark" : theme;
    for (const other of all("[data-theme-link]")) other.toggleAttribute("aria-current", false);
    link.setAttribute("aria-current", "true");
  });

  function ready(root) {
    copyButtons(root);
    dropFields(root);
    sendForms(root);
    shows(root);
    live(root);
  }
  ready(document);
})();
