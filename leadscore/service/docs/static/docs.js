// Shows openapi.json with Swagger UI. A key, where one is needed, is asked for here, then sent with every try.

const form = document.getElementById("key");
const wrong = document.getElementById("wrong");

async function show(key) {
  const response = await fetch("openapi.json", { headers: key ? { "x-api-key": key } : {} });
  form.hidden = response.status !== 401;
  if (!response.ok) {
    wrong.textContent = response.status !== 401 ? `The service answered ${response.status}.` : key ? "This key is not known." : "";
    return;
  }
  const ui = SwaggerUIBundle({
    spec: await response.json(),
    dom_id: "#document",
    deepLinking: true,
    validatorUrl: null,
    onComplete: () => key && ui.preauthorizeApiKey("apiKey", key),
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  show(form.elements.key.value);
});
show();
