/* Files of form[data-upload], each with its own progress: sent in pieces, then one commit that names them all.
   A lost connection is waited for. After a reload the page names what is unfinished, and the same file chosen again goes
   on where it was cut. Without this script the form itself is sent, with the same outcome. */
(() => {
  "use strict";
  const ja = document.documentElement.lang.startsWith("ja");
  const words = ja
    ? {
        waiting: "待機中", done: "送信済み", checking: "確認中", storing: "保存中", lost: "接続が切れました。再開を待っています。",
        again: "送信できませんでした。もう一度お試しください。", unfinished: "送信途中のファイルがあります。同じファイルを選び直すと続きから送ります。",
      }
    : {
        waiting: "waiting", done: "sent", checking: "being checked", storing: "Storing the revision", lost: "The connection is lost; waiting for it.",
        again: "The file could not be sent. Is the connection up? Try again.", unfinished: "These files were not sent whole. Choose the same files again, and they go on where they were cut.",
      };
  const PREFIX = "kensa-upload:";
  const TRIES = 12; // in a row, without a byte getting through

  const make = (tag, attributes, text) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    if (text) element.textContent = text;
    return element;
  };

  class Failure extends Error {
    constructor(status, error) {
      super([error.message || words.again, error.hint].filter(Boolean).join(" "));
      this.status = status;
    }
    get passes() { return this.status === 0 || this.status === 409 || this.status === 429 || this.status >= 500 || this.cut; }
  }

  function send(method, url, token, body, type, progress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      request.setRequestHeader("X-CSRFToken", token);
      request.setRequestHeader("Accept", "application/json");
      if (type) request.setRequestHeader("Content-Type", type);
      request.upload.addEventListener("progress", (step) => progress && progress(step.loaded));
      for (const name of ["error", "abort", "timeout"]) request.addEventListener(name, () => reject(new Failure(0, {})));
      request.addEventListener("load", () => {
        let answer = {};
        try { answer = JSON.parse(request.responseText); } catch { /* an answer of a proxy */ }
        if (request.status < 300) return resolve(answer);
        const failure = new Failure(request.status, answer.error || {});
        failure.cut = (answer.error || {}).code === "incomplete";
        reject(failure);
      });
      request.send(body);
    });
  }

  /* Wait longer each time, or until the browser says that it is online again. */
  const pause = (tries) => new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.min(30_000, 500 * 2 ** tries));
    addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
  });

  const memory = {
    get(key) { try { return localStorage.getItem(PREFIX + key); } catch { return null; } },
    set(key, ticket) { try { localStorage.setItem(PREFIX + key, ticket); } catch { /* a browser that keeps nothing */ } },
    drop(key) { try { localStorage.removeItem(PREFIX + key); } catch { /* the same */ } },
    keys() { try { return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length)); } catch { return []; } },
  };
  const keyOf = (base, file) => JSON.stringify([base, file.name, file.size, file.lastModified]);

  async function begin(base, token, file) {
    const key = keyOf(base, file);
    const known = memory.get(key);
    if (known) {
      try { return { ticket: known, ...(await send("GET", `${base}/pieces/${known}`, token)) }; } catch (failure) {
        if (failure.status !== 404) throw failure;
        memory.drop(key);
      }
    }
    const made = await send("POST", base + "/pieces", token, JSON.stringify({ size: file.size }), "application/json");
    memory.set(key, made.ticket);
    return made;
  }

  async function sendFile(base, token, file, say) {
    let upload = null, received = 0, piece = 8 << 20, tries = 0;
    for (;;) {
      try {
        if (!upload) {
          upload = await begin(base, token, file);
          piece = upload.piece || piece;
          received = upload.received;
        }
        const url = `${base}/pieces/${upload.ticket}`;
        while (received < file.size) {
          const start = received;
          const answer = await send("PUT", `${url}?start=${start}`, token, file.slice(start, start + piece), "application/octet-stream", (loaded) => say(start + loaded));
          received = answer.received;
          tries = 0;
        }
        say(file.size, words.checking);
        return await send("POST", url + "/finish", token);
      } catch (failure) {
        if (!failure.passes || ++tries > TRIES) throw failure;
        if (failure.status === 0) say(received, words.lost);
        await pause(tries);
        upload = null; // ask how far it came
      }
    }
  }

  async function upload(form) {
    const base = form.dataset.upload;
    const token = form.querySelector('[name="csrfmiddlewaretoken"]').value;
    const folder = form.elements.folder.value.trim().replace(/^\/+|\/+$/g, "");
    const files = Array.from(form.elements.files.files);
    const list = form.querySelector("[data-upload-list]");
    list.replaceChildren();
    const rows = files.map((file) => {
      const row = make("li");
      const says = make("span", {}, words.waiting);
      const bar = make("progress", { max: "1", value: "0", "aria-label": file.name });
      row.append(make("span", { class: "mono" }, file.name), says, bar);
      list.append(row);
      return { file, says, bar };
    });
    const add = [];
    for (const { file, says, bar } of rows) {
      const answer = await sendFile(base, token, file, (sent, text) => {
        bar.value = file.size ? sent / file.size : 1;
        says.textContent = text || Math.round(100 * bar.value) + " %";
      });
      bar.value = 1;
      says.textContent = words.done;
      add.push({ path: (folder ? folder + "/" : "") + file.name, upload: answer.upload });
    }
    const last = make("li", {}, words.storing);
    list.append(last);
    const names = add.slice(0, 3).map((each) => each.path).join(", ");
    const title = form.elements.title.value.trim() || "Upload " + names;
    try {
      await send("POST", base + "/commits/main", token, JSON.stringify({ title, add }), "application/json");
    } finally {
      last.remove();
      for (const file of files) memory.drop(keyOf(base, file)); // stored, or refused for what they are
    }
    location.assign(form.dataset.done);
  }

  /* What an earlier visit left unfinished, as far as the server still has it. */
  async function unfinished(form) {
    const base = form.dataset.upload;
    const token = form.querySelector('[name="csrfmiddlewaretoken"]').value;
    const list = make("ul", { class: "plain" });
    for (const key of memory.keys()) {
      const [where, name] = JSON.parse(key);
      if (where !== base) continue;
      try {
        const { received, size } = await send("GET", `${base}/pieces/${memory.get(key)}`, token);
        list.append(make("li", {}, `${name}: ${size ? Math.floor((100 * received) / size) : 100} %`));
      } catch (failure) {
        if (failure.status === 404) memory.drop(key);
      }
    }
    if (!list.children.length) return;
    const notice = make("div", { class: "notice", "data-unfinished": "" });
    notice.append(make("p", {}, words.unfinished), list);
    form.prepend(notice);
  }

  for (const form of document.querySelectorAll("form[data-upload]")) {
    unfinished(form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector('[type="submit"]');
      for (const old of form.querySelectorAll('[role="alert"], [data-unfinished]')) old.remove();
      button.disabled = true;
      try {
        await upload(form);
      } catch (error) {
        const notice = make("div", { class: "notice bad", role: "alert", tabindex: "-1" });
        notice.append(make("p", {}, error.message));
        form.prepend(notice);
        notice.focus();
        button.disabled = false;
      }
    });
  }
})();
