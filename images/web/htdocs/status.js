// Asks the unikernel every second how it is.
"use strict";

const duration = (seconds) => {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (number) => String(number).padStart(2, "0");
  return `${hours ? hours + ":" + two(minutes) : minutes}:${two(whole % 60)}`;
};

const words = {
  uptime: duration,
  requests: (count) => count.toLocaleString("en"),
  heap: (bytes) => `${(bytes / 1e6).toFixed(1)} MB`,
  collections: ([minor, major]) => `${minor} · ${major}`,
};

const show = (status) => {
  for (const place of document.querySelectorAll("[data-of]")) {
    place.textContent = words[place.dataset.of](status[place.dataset.of]);
  }
};

const ask = async () => {
  let silent = false;
  try {
    const answer = await fetch("status.json", { signal: AbortSignal.timeout(3000) });
    show(await answer.json());
  } catch {
    silent = true;
  }
  document.getElementById("silence").hidden = !silent;
  document.getElementById("status").classList.toggle("silent", silent);
  setTimeout(ask, 1000);
};

ask();
