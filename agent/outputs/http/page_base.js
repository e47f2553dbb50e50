// What every part of the page uses: its elements, and how the agent is asked.

export const $ = (id) => document.getElementById(id);
const TOKEN = "hashwatt-token";

// elements -------------------------------------------------------------------------------------------------------

export function made(name, attributes = {}, ...children) {
  const svg = made.svg.has(name);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value != null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child != null));
  return element;
}
made.svg = new Set(["svg", "clipPath", "path", "line", "text", "circle", "rect", "g"]);

export const put = (id, ...children) => $(id).replaceChildren(...children.flat().filter((child) => child != null));

export function say(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

// asking the agent -----------------------------------------------------------------------------------------------

export class Refused extends Error {
  constructor(answer) {
    super(`${answer.status} ${answer.statusText}`);
    this.answer = answer;
  }
}

export async function asked(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(path, { ...options, headers, cache: "no-store" });
  if (answer.status === 401) {
    await tokenGiven(token !== null);
    return asked(path, options);
  }
  if (!answer.ok) throw new Refused(answer);
  return answer;
}

export const read = async (path) => (await asked(path)).json();

let giving = null;

function tokenGiven(wrong) {
  giving ??= new Promise((given) => {
    sessionStorage.removeItem(TOKEN);
    say("token-wrong", wrong ? "This is no token of this site." : "");
    $("token").showModal();
    $("token-form").onsubmit = () => {
      sessionStorage.setItem(TOKEN, $("token-text").value.trim());
      $("token-text").value = "";
      giving = null;
      given();
    };
  });
  return giving;
}

$("token").addEventListener("cancel", (event) => event.preventDefault());
