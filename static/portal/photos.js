// Photos of a form: made small here, sent one by one, sent again when the line broke; the form then carries their ids.
(() => {
  "use strict";
  const LONGEST = 1600, HEAVIEST = 500 * 1024, AGAIN = 4000;
  for (const part of document.querySelectorAll("[data-photos]")) {
    const form = part.closest("form"), list = part.querySelector("[data-photo-list]"), said = part.querySelector("[data-photo-said]");
    const row = part.querySelector("[data-photo-row]"), words = part.querySelector("[data-photo-words]").dataset;
    const input = part.querySelector("input[type=file]"), most = Number(part.dataset.most);
    const waiting = new Set();
    let isSending = false, wantsToGo = null;

    const say = (text) => {
      said.textContent = text;
      said.hidden = !text;
    };

    const small = async (file) => {
      let picture;
      try {
        picture = await createImageBitmap(file, { imageOrientation: "from-image" });
      } catch {
        return file; // what this browser cannot read the server judges
      }
      const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(picture.width * scale));
      canvas.height = Math.max(1, Math.round(picture.height * scale));
      const paper = canvas.getContext("2d");
      paper.fillStyle = "#fff"; // what is transparent would come out black
      paper.fillRect(0, 0, canvas.width, canvas.height);
      paper.drawImage(picture, 0, 0, canvas.width, canvas.height);
      for (const quality of [0.85, 0.7, 0.55, 0.4]) {
        const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
        if (blob && (blob.size <= HEAVIEST || quality === 0.4)) return blob;
      }
      return file;
    };

    const post = (blob, bar) =>
      new Promise((done) => {
        const call = new XMLHttpRequest(), body = new FormData();
        body.set("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
        body.set("file", blob, "photo.jpg");
        call.open("POST", part.dataset.photos);
        call.timeout = 60_000;
        call.upload.onprogress = (event) => event.lengthComputable && (bar.value = (100 * event.loaded) / event.total);
        call.onload = () => done({ status: call.status, text: call.responseText });
        call.onerror = call.ontimeout = call.onabort = () => done({ status: 0, text: "" });
        call.send(body);
      });

    const answered = (one, { status, text }) => {
      let answer = {};
      try {
        answer = JSON.parse(text);
      } catch {}
      if (status === 201) {
        waiting.delete(one);
        const field = document.createElement("input");
        Object.assign(field, { type: "hidden", name: "photo", value: answer.id });
        one.shown.querySelector("progress").remove();
        one.shown.querySelector("img").src = `${part.dataset.photos}${answer.id}.jpg`;
        one.shown.append(field);
        say("");
        return true;
      }
      if (status === 0 || status === 429 || status >= 500) {
        say(words.broken);
        return false;
      }
      waiting.delete(one);
      one.shown.remove();
      say(answer.title || words.refused);
      return true;
    };

    const send = async () => {
      if (isSending) return;
      isSending = true;
      for (const one of waiting) {
        one.blob ||= await small(one.file);
        if (!answered(one, await post(one.blob, one.shown.querySelector("progress")))) {
          setTimeout(send, AGAIN);
          break;
        }
      }
      isSending = false;
      if (!waiting.size && wantsToGo) form.requestSubmit(wantsToGo.button);
    };

    input.addEventListener("change", () => {
      const room = most - list.querySelectorAll(".p-shot").length;
      const chosen = [...input.files];
      if (chosen.length > room) say(words.tooMany);
      for (const file of chosen.slice(0, Math.max(room, 0))) {
        const shown = row.content.firstElementChild.cloneNode(true);
        list.append(shown);
        waiting.add({ file, shown });
      }
      input.value = "";
      send();
    });
    list.addEventListener("click", (event) => {
      const shown = event.target.closest("[data-photo-drop]")?.closest(".p-shot");
      if (!shown) return;
      for (const one of waiting) if (one.shown === shown) waiting.delete(one);
      shown.remove();
    });
    addEventListener("online", send);

    // what is still on its way goes along: the form waits for it
    form.addEventListener(
      "submit",
      (event) => {
        if (!waiting.size) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        wantsToGo = { button: event.submitter };
        send();
      },
      true,
    );
  }
})();
