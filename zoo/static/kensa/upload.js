/* Files of form[data-upload], each with its own progress: bytes by PUT, then one commit that names them all.
   Without this script the form itself is sent, with the same outcome. */
(() => {
  "use strict";
  const ja = document.documentElement.lang.startsWith("ja");
  const words = ja
    ? { waiting: "待機中", done: "送信済み", storing: "保存中", again: "送信できませんでした。もう一度お試しください。" }
    : { waiting: "waiting", done: "sent", storing: "Storing the revision", again: "The file could not be sent. Is the connection up? Try again." };

  const make = (tag, attributes, text) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    if (text) element.textContent = text;
    return element;
  };

  function send(method, url, token, body, type, progress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      request.setRequestHeader("X-CSRFToken", token);
      request.setRequestHeader("Accept", "application/json");
      if (type) request.setRequestHeader("Content-Type", type);
      request.upload.addEventListener("progress", (step) => step.lengthComputable && progress && progress(step.loaded / step.total));
      request.addEventListener("error", () => reject(new Error(words.again)));
      request.addEventListener("load", () => {
        let answer = {};
        try { answer = JSON.parse(request.responseText); } catch { /* an answer of a proxy */ }
        if (request.status < 300) return resolve(answer);
        const error = answer.error || {};
        reject(new Error([error.message || words.again, error.hint].filter(Boolean).join(" ")));
      });
      request.send(body);
    });
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
      const answer = await send("PUT", base + "/uploads", token, file, "application/octet-stream", (share) => {
        bar.value = share;
        says.textContent = Math.round(100 * share) + " %";
      });
      bar.value = 1;
      says.textContent = words.done;
      add.push({ path: (folder ? folder + "/" : "") + file.name, upload: answer.upload });
    }
    const last = make("li", {}, words.storing);
    list.append(last);
    const names = add.slice(0, 3).map((each) => each.path).join(", ");
    const title = form.elements.title.value.trim() || "Upload " + names;
    await send("POST", base + "/commits/main", token, JSON.stringify({ title, add }), "application/json");
    location.assign(form.dataset.done);
  }

  for (const form of document.querySelectorAll("form[data-upload]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector('[type="submit"]');
      for (const old of form.querySelectorAll('[role="alert"]')) old.remove();
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
