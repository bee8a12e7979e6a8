// What the pages cannot do without a script: copy a snippet, drop a file, send a large file with its progress.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.closest("figure").querySelector("code").textContent);
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

for (const zone of document.querySelectorAll("[data-drop]")) {
  const input = zone.querySelector("input[type=file]");
  for (const kind of ["dragenter", "dragover"]) {
    zone.addEventListener(kind, (event) => { event.preventDefault(); zone.classList.add("over"); });
  }
  for (const kind of ["dragleave", "drop"]) {
    zone.addEventListener(kind, () => zone.classList.remove("over"));
  }
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) input.files = event.dataTransfer.files;
  });
}

for (const form of document.querySelectorAll("[data-upload]")) {
  form.hidden = false;
  form.addEventListener("submit", (event) => { event.preventDefault(); send(form); });
}

function send(form) {
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") values.append(name, value);
  const said = form.querySelector(".said"), progress = form.querySelector("progress");
  const button = form.querySelector("button[type=submit]"), request = new XMLHttpRequest();
  button.disabled = true;
  said.textContent = "";
  progress.parentElement.hidden = false;
  request.upload.addEventListener("progress", (event) => {
    progress.value = event.lengthComputable ? 100 * event.loaded / event.total : 0;
    progress.nextElementSibling.textContent = Math.floor(progress.value) + " %";
  });
  request.addEventListener("load", () => {
    const login = request.getResponseHeader("HX-Redirect");
    if (login || request.status === 202) {
      said.textContent = form.dataset.sent;
      location.assign(login || JSON.parse(request.responseText).page);
      return;
    }
    // Errors come as pages.
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const told = page.querySelectorAll("[data-error] h1, [data-error] .detail");
    failed(Array.from(told, (part) => part.textContent).join(" "));
  });
  request.addEventListener("error", () => failed(""));
  function failed(reason) {
    said.textContent = form.dataset.failed + " " + reason;
    progress.parentElement.hidden = true;
    button.disabled = false;
  }
  request.open("POST", form.dataset.upload + "?" + values);
  request.setRequestHeader("Content-Type", "application/zip");
  request.setRequestHeader("HX-Request", "true");
  request.send(form.querySelector("input[type=file]").files[0]);
}
